# One line of the table from what AMD's compiler says of an entry point (RADV_DEBUG=shaders,shaderstats): registers, spills,
# instructions, multiply-adds and other sums, and of the loop with most multiply-adds how many these are and its instructions.

/^VGPRs:/ { vgpr = $2 }
/^Spilled VGPRs:/ { spills = $3 }
/^Instructions:/ { all = $2 }
# The assembly alone has blocks that begin like this; the form before it is listed as well.
/^BB[0-9]+:/ { block = $1; sub(":", "", block); begins[block] = count; next }
/^\t[a-z]/ {
    count++
    fma[count] = $1 ~ /^v_(pk_)?(fma|mac|fmac)/
    fmas += fma[count]
    others += $1 ~ /^v_(pk_)?(add|mul)_f32/
    # A branch back to a block ends a loop. Of several with the same sums the innermost counts.
    if ($1 ~ /^s_c?branch/ && $2 in begins) {
        in_loop = 0
        for (i = begins[$2] + 1; i <= count; i++) in_loop += fma[i]
        long = count - begins[$2]
        if (in_loop > most || (in_loop == most && long < length_of)) { most = in_loop; length_of = long }
    }
}
END { print label, vgpr + 0, spills + 0, all + 0, fmas + 0, others + 0, most + 0, length_of + 0 }
