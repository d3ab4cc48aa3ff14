// Assignment crops as a mask: bit i is set where crop i is one.

// The crop that is assignment crop `index`.
fn assignment_crop(mask: u32, index: u32) -> u32 {
    var rest = mask;
    for (var i = 0u; i < index; i++) {
        rest &= rest - 1u;
    }
    return firstTrailingBit(rest);
}
