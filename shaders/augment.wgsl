// Crops from packed pictures: resized, their colours adjusted, blurred, normalised.
//
//   resize:       out[o] = sum_i w(i) in[i], w(i) ~ max(0, 1 - |i + 1/2 - (o + 1/2) s| / max(s, 1)), s = in / out,
//                 in both directions (a triangle that widens when shrinking: antialiased); mirrored where
//                 the crop is; then the adjustments that come before contrast. The fourth channel is L.
//   adjust:       contrast, which needs the mean of L over the crop, the adjustments after it, and grey
//   blur_rows:    b[x] = sum_d g(d) image[x + d], g(d) ~ exp(-d^2 / 2 sigma^2), |d| <= 4.5 sigma, edges replicated
//   blur_columns: the same down the columns, then (value - mean) * gain, and 0 in the fourth channel
//
// L = .2989 R + .587 G + .114 B; brightness f x; contrast f x + (1 - f) mean L; saturation f x + (1 - f) L;
// hue turned by f; each clamped to [0, 1]. Values are in [0, 1] until they are normalised.
//
// pictures: bytes, three a pixel, row by row, each picture from a multiple of four on.
// crops: four quads each, see `crop_at`. A crop without width is not of these pictures and is left as it is.
// image, blurred: [crops, size, size, 4]; finished: the same, stored as activations are. Twin: src/ops/augment.rs.

struct Params {
    crops: u32,
    size: u32,
    mean_red: f32,
    mean_green: f32,
    mean_blue: f32,
    gain_red: f32,   // 1 / standard deviation
    gain_green: f32,
    gain_blue: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pictures: array<u32>;
@group(0) @binding(2) var<storage, read> crops: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> image: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> blurred: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> finished: array<Quad>;

const LUMA = vec3(0.2989, 0.587, 0.114);
const CONTRAST = 2u;
const SHARE = 64u; // invocations of a workgroup that adjusts one crop

var<workgroup> sums: array<f32, SHARE>;

struct Crop {
    picture: u32,    // first byte of its picture
    row_bytes: u32,  // of the picture
    corner: vec2<u32>, // left, top
    extent: vec2<u32>, // width, height
    flip: bool,
    grey: bool,
    sigma: f32,      // 0: not blurred
    kinds: vec4<u32>, // adjustments in their order: 0 none, 1 brightness, 2 contrast, 3 saturation, 4 hue
    factors: vec4<f32>,
}

fn crop_at(index: u32) -> Crop {
    let place = crops[index * 4u];
    let rest = crops[index * 4u + 1u];
    return Crop(
        place.x, place.y, place.zw, rest.xy, (rest.z & 1u) != 0u, (rest.z & 2u) != 0u, bitcast<f32>(rest.w),
        crops[index * 4u + 2u], bitcast<vec4<f32>>(crops[index * 4u + 3u]),
    );
}

struct Site {
    crop: u32,
    row: u32,
    column: u32,
}

fn site(at: u32) -> Site {
    let line = at / params.size;
    return Site(line / params.size, line % params.size, at % params.size);
}

// Where the triangle of one output lies along one direction of the box. The centre is whole + part, so
// that no bit is lost to the size of the picture.
struct Window {
    start: u32,
    end: u32,
    whole: i32,
    part: f32,
    reach: f32,
}

fn window(output: u32, extent: u32) -> Window {
    let centre = (2u * output + 1u) * extent;
    let whole = i32(centre / (2u * params.size));
    let part = f32(centre % (2u * params.size)) / f32(2u * params.size);
    let reach = max(f32(extent) / f32(params.size), 1.0);
    let start = max(whole + i32(floor(part - reach + 0.5)), 0);
    let end = min(whole + i32(floor(part + reach + 0.5)), i32(extent));
    return Window(u32(start), u32(end), whole, part, reach);
}

fn weight(w: Window, i: u32) -> f32 {
    return max(0.0, 1.0 - abs(f32(i32(i) - w.whole) + 0.5 - w.part) / w.reach);
}

fn pixel(byte: u32) -> vec3<f32> {
    let shift = (byte & 3u) * 8u;
    var bits = pictures[byte >> 2u] >> shift;
    if shift > 8u {
        bits |= pictures[(byte >> 2u) + 1u] << (32u - shift);
    }
    return vec3(f32(bits & 255u), f32((bits >> 8u) & 255u), f32((bits >> 16u) & 255u));
}

fn unit(x: vec3<f32>) -> vec3<f32> {
    return clamp(x, vec3(0.0), vec3(1.0));
}

// With V the largest channel and C the largest less the smallest, channel n of (5, 3, 1) is
// V - C clamp(min(k, 4 - k), 0, 1), k = (n + hue in sixths) mod 6.
fn hue(x: vec3<f32>, turn: f32) -> vec3<f32> {
    let most = max(max(x.r, x.g), x.b);
    let chroma = most - min(min(x.r, x.g), x.b);
    var sixths = 4.0;
    var difference = x.r - x.g;
    if most == x.r {
        sixths = 0.0;
        difference = x.g - x.b;
    } else if most == x.g {
        sixths = 2.0;
        difference = x.b - x.r;
    }
    if chroma > 0.0 {
        sixths += difference / chroma;
    }
    let k = (vec3(17.0, 15.0, 13.0) + sixths + 6.0 * turn) % vec3(6.0);
    return vec3(most) - chroma * clamp(min(k, 4.0 - k), vec3(0.0), vec3(1.0));
}

fn adjusted(x: vec3<f32>, kind: u32, factor: f32, mean: f32) -> vec3<f32> {
    switch kind {
        case 1u: {
            return unit(factor * x);
        }
        case CONTRAST: {
            return unit(factor * x + (1.0 - factor) * mean);
        }
        case 3u: {
            return unit(factor * x + (1.0 - factor) * dot(LUMA, x));
        }
        case 4u: {
            return hue(x, factor);
        }
        default: {
            return x;
        }
    }
}

@compute @workgroup_size(64)
fn resize(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let s = site(at);
    if s.crop >= params.crops {
        return;
    }
    let crop = crop_at(s.crop);
    if crop.extent.x == 0u {
        return;
    }
    let across = window(select(s.column, params.size - 1u - s.column, crop.flip), crop.extent.x);
    let down = window(s.row, crop.extent.y);
    var sum = vec3<f32>();
    var total = vec2<f32>();
    for (var j = down.start; j < down.end; j++) {
        let first = crop.picture + (crop.corner.y + j) * crop.row_bytes + 3u * crop.corner.x;
        var line = vec3<f32>();
        for (var i = across.start; i < across.end; i++) {
            line += weight(across, i) * pixel(first + 3u * i);
        }
        sum += weight(down, j) * line;
        total.y += weight(down, j);
    }
    for (var i = across.start; i < across.end; i++) {
        total.x += weight(across, i);
    }
    var x = sum / (255.0 * total.x * total.y);
    for (var i = 0u; i < 4u && crop.kinds[i] != CONTRAST; i++) {
        x = adjusted(x, crop.kinds[i], crop.factors[i], 0.0);
    }
    image[at] = vec4(x, dot(LUMA, x));
}

// One workgroup a crop.
@compute @workgroup_size(SHARE)
fn adjust(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let number = group_number(group, groups);
    if number >= params.crops {
        return;
    }
    let crop = crop_at(number);
    var first = 4u;
    for (var i = 0u; i < 4u; i++) {
        if crop.kinds[i] == CONTRAST {
            first = i;
        }
    }
    // A crop that stays as it is has no pixels to visit; the barrier is met all the same.
    let idle = crop.extent.x == 0u || (first == 4u && !crop.grey);
    let area = params.size * params.size;
    let pixels = select(area, 0u, idle);
    var sum = 0.0;
    for (var at = index; at < pixels; at += SHARE) {
        sum += image[number * area + at].w;
    }
    sums[index] = sum;
    workgroupBarrier();
    var total = 0.0;
    for (var i = 0u; i < SHARE; i++) {
        total += sums[i];
    }
    let mean = total / f32(area);
    for (var at = index; at < pixels; at += SHARE) {
        var x = image[number * area + at].rgb;
        for (var i = first; i < 4u; i++) {
            x = adjusted(x, crop.kinds[i], crop.factors[i], mean);
        }
        x = select(x, vec3(dot(LUMA, x)), crop.grey);
        image[number * area + at] = vec4(x, 0.0);
    }
}

fn gauss(sigma: f32, distance: u32) -> f32 {
    let d = f32(distance) / sigma;
    return exp(-0.5 * d * d);
}

@compute @workgroup_size(64)
fn blur_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let s = site(at);
    if s.crop >= params.crops {
        return;
    }
    let crop = crop_at(s.crop);
    if crop.extent.x == 0u {
        return;
    }
    let line = at - s.column;
    var sum = image[at];
    var total = 1.0;
    for (var d = 1u; d <= u32(ceil(4.5 * crop.sigma)); d++) {
        let g = gauss(crop.sigma, d);
        sum += g * (image[line + max(s.column, d) - d] + image[line + min(s.column + d, params.size - 1u)]);
        total += 2.0 * g;
    }
    blurred[at] = sum / total;
}

@compute @workgroup_size(64)
fn blur_columns(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let at = invocation(group, groups, index);
    let s = site(at);
    if s.crop >= params.crops {
        return;
    }
    let crop = crop_at(s.crop);
    if crop.extent.x == 0u {
        return;
    }
    let top = at - s.row * params.size;
    var sum = blurred[at];
    var total = 1.0;
    for (var d = 1u; d <= u32(ceil(4.5 * crop.sigma)); d++) {
        let g = gauss(crop.sigma, d);
        sum += g * (blurred[top + (max(s.row, d) - d) * params.size] + blurred[top + min(s.row + d, params.size - 1u) * params.size]);
        total += 2.0 * g;
    }
    let mean = vec3(params.mean_red, params.mean_green, params.mean_blue);
    let gain = vec3(params.gain_red, params.gain_green, params.gain_blue);
    finished[at] = narrow(vec4((sum.rgb / total - mean) * gain, 0.0));
}
