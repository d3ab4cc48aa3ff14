#!/usr/bin/env bash
# Builds the packages that this system can: `make package`.
#
#   Linux      an archive (.tar.gz); on Debian and its relatives a .deb as well; with `packaging/package.sh appimage` an
#              AppImage, for which cargo-packager fetches two tools at its first use
#   macOS      an application in a disk image, with cargo-packager
#   Windows    a .zip with both programs, and an installer, with cargo-packager (in Git's bash)
#
# Everything lands in target/packages. cargo-deb and cargo-packager are installed below target/tools where they are
# missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version="$(cargo pkgid -p swav-wgpu | sed 's/.*[#@]//')"
out="$PWD/target/packages"
target="${CARGO_TARGET_DIR:-$PWD/target}"
mkdir -p "$out"

# A tool of cargo, by its name.
tool() {
    [ -x "target/tools/bin/$1" ] || cargo install --quiet --locked --root target/tools "$1" >&2
    echo "target/tools/bin/$1"
}

# Manual and completions, by the programs themselves.
made() {
    rm -rf target/package
    mkdir -p target/package/completions
    "$target/release/swav-wgpu" man --out target/package/man > /dev/null
    "$target/release/swav-app" --man > target/package/man/swav-app.1
    gzip --best --no-name target/package/man/*.1
    local shell
    for shell in bash zsh fish; do
        "$target/release/swav-wgpu" completions "$shell" > "target/package/completions/swav-wgpu.$shell"
        "$target/release/swav-app" --completions "$shell" > "target/package/completions/swav-app.$shell"
    done
}

# The programs without debug lines, and all that belongs to them, as it lies below /usr.
archive() {
    local name
    name="swav-wgpu-$version-$(uname -m)-linux"
    local root="target/package/$name"
    install -D -s -m 755 -t "$root/bin" "$target/release/swav-wgpu" "$target/release/swav-app"
    install -D -m 644 -t "$root/share/man/man1" target/package/man/*.gz
    install -D -m 644 -t "$root/share/applications" packaging/swav-app.desktop
    install -D -m 644 -t "$root/share/metainfo" packaging/*.metainfo.xml
    install -D -m 644 -t "$root/share/icons/hicolor/scalable/apps" packaging/swav-app.svg
    install -D -m 644 -t "$root/share/doc/swav-wgpu" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE \
        assets/picto16/ATTRIBUTION.md
    local program
    for program in swav-wgpu swav-app; do
        install -D -m 644 "target/package/completions/$program.bash" "$root/share/bash-completion/completions/$program"
        install -D -m 644 "target/package/completions/$program.zsh" "$root/share/zsh/site-functions/_$program"
    done
    install -D -m 644 -t "$root/share/fish/vendor_completions.d" target/package/completions/*.fish
    tar --owner=0 --group=0 -C target/package -czf "$out/$name.tar.gz" "$name"
    echo "$out/$name.tar.gz"
}

# The programs and what one reads, in a folder of an archive that Windows opens; its own tar writes zip files.
zipped() {
    local name
    name="swav-wgpu-$version-x86_64-windows"
    local root="target/package/$name"
    mkdir -p "$root"
    cp "$target"/release/swav-{wgpu,app}.exe README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE \
        assets/picto16/ATTRIBUTION.md "$root"
    (cd target/package && "$SYSTEMROOT/System32/tar.exe" -a -cf "$name.zip" "$name")
    mv "target/package/$name.zip" "$out/"
    echo "$out/$name.zip"
}

cargo build --release --workspace --bins
made
case "$(uname -s)" in
    Linux)
        if [ "${1:-}" = appimage ]; then
            exec "$(tool cargo-packager)" --release --packages swav-app --formats appimage --out-dir "$out"
        fi
        archive
        if command -v dpkg > /dev/null; then
            "$(tool cargo-deb)" --package swav-app --no-build --strip --output "$out/"
        fi
        ;;
    Darwin) "$(tool cargo-packager)" --release --packages swav-app --formats app,dmg --out-dir "$out" ;;
    *)
        zipped
        "$(tool cargo-packager)" --release --packages swav-app --formats nsis --out-dir "$out"
        ;;
esac
