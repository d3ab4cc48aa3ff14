#!/usr/bin/env bash
# Other drivers and compilers judge the kernels, so that not one CPU driver alone has seen them.
#
#   tools/judges.sh [JUDGE ...]
#
#   spirv        the validator of SPIR-V on every module
#   dxc          Microsoft's shader compiler on every HLSL text (DirectX has no matrix units)
#   amd          AMD's compiler on a GPU that is not there: registers, spills and instructions, compared with
#                tools/judges/amd.tsv (renewed by AMD_RENEW=1)
#   swiftshader  the self-test on SwiftShader (subgroups of 4, no half precision, no 64-bit integers)
#   mesa         the self-test on a newer Mesa's CPU driver, which has matrix units, and what the tests hold to reference
#                numbers
#   windows      the program and the window checked for Windows, and the same for
#   macos        macOS, by a standard library made from its sources
#
# Without names, all of them. For Debian and Ubuntu on x86-64; what is missing is fetched into target/judges or, where it
# is a small package, installed by apt-get.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
here="$PWD/tools/judges"
out="$PWD/target/judges"
mkdir -p "$out"

packages() {
    dpkg -s "$@" > /dev/null 2>&1 || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" > /dev/null
}

# Every entry point as SPIR-V and HLSL, and a table of them.
written() {
    [ -z "${done:-}" ] || return 0
    rm -rf "$out/shaders"
    SHADERS_OUT="$out/shaders" cargo test --quiet --release --workspace --test it -- --ignored --exact \
        shader_checks::written::every_entry_point_is_written_down > "$out/written.log" 2>&1 \
        || { cat "$out/written.log"; exit 1; }
    done=yes
}

program() {
    cargo build --quiet --release --workspace --bin swav-wgpu
    echo "$PWD/target/release/swav-wgpu"
}

# Debian's newer packages in a folder of their own: Mesa, SPIR-V's tools, the sources of Rust's standard library.
prefix() {
    local sources
    sources="rust-src=$(rustc --version | cut -d' ' -f2)*"
    [ -x "$out/mesa/run" ] || "$here/mesa-prefix.sh" "$out/mesa" spirv-tools "$sources" > "$out/mesa.log" \
        || "$here/mesa-prefix.sh" "$out/mesa" spirv-tools > "$out/mesa.log"
}

# Tells a verdict: the judge, and how many of how many it accepts.
verdict() { printf '%-12s %s\n' "$1" "$2"; }

spirv() {
    prefix
    written
    local all=0 refused=0 number portable target
    while IFS=$'\t' read -r number _ _ portable _; do
        all=$((all + 1))
        target=vulkan1.1
        [ "$portable" = true ] || target=vulkan1.3
        "$out/mesa/run" "$out/mesa/root/usr/bin/spirv-val" --target-env "$target" "$out/shaders/$number.spv" || refused=$((refused + 1))
    done < "$out/shaders/index.tsv"
    verdict spirv "$((all - refused)) of $all modules are valid"
    [ "$refused" = 0 ]
}

dxc() {
    packages g++ python3-pip
    written
    if [ ! -x "$out/dxc" ]; then
        # The library and its headers come with this Python package; nothing of it is installed.
        (cd "$out" && pip download --quiet --no-deps --no-binary :all: compushady && tar xf compushady-*.tar.gz)
        g++ -std=c++17 -fms-extensions -D__EMULATE_UUID -w -I"$(echo "$out"/compushady-*/compushady/backends)" \
            "$here/dxc.cpp" -ldl -o "$out/dxc"
    fi
    local library refused=0 all
    library="$(echo "$out"/compushady-*/compushady/backends/libdxcompiler_x86_64.so.3.7)"
    all=$(awk -F'\t' '$3 != "-"' "$out/shaders/index.tsv" | wc -l)
    (cd "$out/shaders" && awk -F'\t' '$3 != "-" { print $1 ".hlsl"; print $3 }' index.tsv | xargs -n 64 "$out/dxc" "$library") \
        || refused=1
    verdict dxc "$([ "$refused" = 0 ] && echo "all $all" || echo "not all of $all") HLSL texts compile (cs_6_0)"
    [ "$refused" = 0 ]
}

amd() {
    packages gcc libvulkan-dev mesa-vulkan-drivers
    written
    gcc -O1 "$here/amd.c" -lvulkan -o "$out/amd"
    # What GPUs take, but for matrix units; each is compiled by itself, so that one that ends the compiler ends only itself.
    awk -F'\t' '$4 == "true" && $5 !~ /direct/' "$out/shaders/index.tsv" > "$out/amd.index"
    : > "$out/amd.all"
    while IFS=$'\t' read -r number entry _ _ label; do
        RADV_FORCE_FAMILY=navi21 RADV_DEBUG=shaders,shaderstats MESA_SHADER_CACHE_DISABLE=1 \
            VK_DRIVER_FILES="$(echo /usr/share/vulkan/icd.d/radeon_icd.*.json)" \
            "$out/amd" "$out/shaders/$number.spv" "$entry" > "$out/amd.text" 2>&1 || true
        awk -v label="$label" -v OFS='\t' -f "$here/amd.awk" "$out/amd.text" >> "$out/amd.all"
    done < "$out/amd.index"
    # The same constants may serve several geometries.
    { printf 'entry point\tVGPRs\tspills\tinstructions\tfma\tother adds and muls\tfma in the loop\tinstructions of the loop\n'; awk '!seen[$0]++' "$out/amd.all"; } > "$out/amd.tsv"
    [ -z "${AMD_RENEW:-}" ] || cp "$out/amd.tsv" "$here/amd.tsv"
    local spills worse refused
    refused=$(awk -F'\t' 'FNR > 1 && $4 == 0 { print "  not compiled: " $1 }' "$out/amd.tsv")
    spills=$(awk -F'\t' 'FNR > 1 && $3 > 0' "$out/amd.tsv" | wc -l)
    # Two in a hundred more is the compiler's own scatter from one of its versions to the next.
    worse=$(awk -F'\t' 'NR == FNR { known[$1] = $4; next } FNR > 1 && known[$1] && $4 > 1.02 * known[$1] { print "  " $1 ": " known[$1] " -> " $4 " instructions" }' "$here/amd.tsv" "$out/amd.tsv")
    verdict amd "$(($(wc -l < "$out/amd.tsv") - 1)) entry points, $spills with spills${worse:+, worse than tools/judges/amd.tsv:}"
    [ -z "$worse$refused" ] || { echo "$worse$refused"; return 1; }
    [ "$spills" = 0 ]
}

swiftshader() {
    packages chromium
    VK_DRIVER_FILES=/usr/lib/chromium/vk_swiftshader_icd.json XDG_RUNTIME_DIR=/dev/null \
        "$(program)" selftest > "$out/swiftshader.log" 2>&1 && verdict swiftshader "$(tail -n 1 "$out/swiftshader.log")" \
        || { cat "$out/swiftshader.log"; return 1; }
}

mesa() {
    prefix
    "$out/mesa/run" "$(program)" selftest > "$out/mesa-selftest.log" 2>&1 \
        && verdict mesa "$(tail -n 1 "$out/mesa-selftest.log") ($(grep -o 'mesa-vulkan-drivers.*' "$out/mesa/packages.txt"))" \
        || { cat "$out/mesa-selftest.log"; return 1; }
    # Tests that start no program of their own: a child would find the system's loader.
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$out/mesa/run" \
        cargo test --release --workspace --test it -- golden reference half_ winograd_error trainer_checks judging --skip cli:: \
        > "$out/mesa-tests.log" 2>&1 && verdict mesa "$(grep '^test result' "$out/mesa-tests.log")" \
        || { cat "$out/mesa-tests.log"; return 1; }
}

# Everything checked for another system. Where rustup has its standard library, that is used.
elsewhere() {
    local target=$1 toolchain="$out/toolchain" library cargo=(cargo check --quiet --release --workspace)
    library="$(rustc --print sysroot)/lib/rustlib/$target"
    if [ ! -d "$library" ]; then
        prefix
        library="$out/mesa/root/usr/src/rustc-$(rustc --version | cut -d' ' -f2)/library"
        if [ ! -d "$library" ]; then
            verdict "$2" "not tried: rustup target add $target, or another version of Rust than $(rustc --version)"
            return 1
        fi
        if [ ! -d "$toolchain" ]; then
            cp -al "$(rustc --print sysroot)/." "$toolchain" 2> /dev/null || cp -a "$(rustc --print sysroot)/." "$toolchain"
            mkdir -p "$toolchain/lib/rustlib/src/rust"
            ln -sfn "$library" "$toolchain/lib/rustlib/src/rust/library"
        fi
        export RUSTC_BOOTSTRAP=1 PATH="$toolchain/bin:$PATH"
        cargo+=(-Zbuild-std=std,panic_abort)
    fi
    "${cargo[@]}" --target "$target" --target-dir "$out/elsewhere" > "$out/$2.log" 2>&1 \
        && verdict "$2" "the program and the window pass the compiler's checks ($target)" \
        || { tail -n 60 "$out/$2.log"; return 1; }
}

windows() {
    packages gcc-mingw-w64-x86-64
    (elsewhere x86_64-pc-windows-gnu windows)
}

# Nothing is linked in a check, so what dependencies want of a C compiler for Apple's systems is given as empty files.
macos() {
    printf '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" != -o ] || : > "$2"; shift; done\n' > "$out/empty-cc"
    printf '#!/bin/sh\nfor file; do case "$file" in *.a) : > "$file" ;; esac; done\n' > "$out/empty-ar"
    chmod +x "$out/empty-cc" "$out/empty-ar"
    (export CC_aarch64_apple_darwin="$out/empty-cc" AR_aarch64_apple_darwin="$out/empty-ar" RANLIB_aarch64_apple_darwin=true
        elsewhere aarch64-apple-darwin macos)
}

failed=0
[ $# -gt 0 ] || set -- spirv dxc amd swiftshader mesa windows macos
for judge in "$@"; do
    case "$judge" in
        spirv | dxc | amd | swiftshader | mesa | windows | macos) "$judge" || failed=1 ;;
        *) echo "no judge is called $judge: spirv, dxc, amd, swiftshader, mesa, windows, macos" >&2; exit 2 ;;
    esac
done
exit "$failed"
