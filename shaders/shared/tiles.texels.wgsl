// Fetches of tiles' pixels and of weights, for the kernels of winograd that read texels: they say x, dy and w.

fn x_quad(source: u32, quad: u32) -> vec4<f32> {
    let inside = source != OUTSIDE;
    let at = select(0u, source + quad, inside);
    return select(vec4<f32>(), textureLoad(x, texel(at)), inside);
}

fn dy_quad(row: u32, column: u32) -> vec4<f32> {
    let inside = row != OUTSIDE && column < params.out_quads;
    let at = select(0u, row * params.out_quads + column, inside);
    return select(vec4<f32>(), textureLoad(dy, texel(at)), inside);
}

fn w_quad(at: u32) -> vec4<f32> {
    return textureLoad(w, texel(at));
}
