// Results in words of 64 bits, two floats each: a CPU driver stores word by word in a loop over the lanes,
// so half as many words take half as long. For the adapters of the subgroup family, which all have such words.

alias Pairs = vec2<u64>;

fn to_word(value: vec2<u32>) -> u64 {
    return u64(value.x) | (u64(value.y) << 32u);
}

fn from_word(word: u64) -> vec2<u32> {
    return vec2(u32(word), u32(word >> 32u));
}

fn to_pairs(value: vec4<f32>) -> Pairs {
    let bits = bitcast<vec4<u32>>(value);
    return Pairs(to_word(bits.xy), to_word(bits.zw));
}

fn from_pairs(pairs: Pairs) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4(from_word(pairs.x), from_word(pairs.y)));
}
