// Four values of half precision in two words. Packing and its inverse are core WGSL, so any adapter can do it.

fn unpacked(words: vec2<u32>) -> vec4<f32> {
    return vec4(unpack2x16float(words.x), unpack2x16float(words.y));
}

// WGSL leaves open what becomes of a value that is too large; some adapters give the largest number, and on one a NaN
// spoils the half that shares its word. Here such a value is packed as 0 and then given the exponent of infinity, so that
// a step which overflows shows it. Bits are compared, because a test for NaN may be folded away under fast mathematics.
fn packed(value: vec4<f32>) -> vec2<u32> {
    let over = (bitcast<vec4<u32>>(value) & vec4(0x7fffffffu)) >= vec4(0x477ff000u); // 65520 and above
    let mark = select(vec4<u32>(), vec4(0x7c00u), over);
    let finite = select(value, vec4<f32>(), over);
    return vec2(pack2x16float(finite.xy), pack2x16float(finite.zw)) | mark.xz | (mark.yw << vec2(16u));
}
