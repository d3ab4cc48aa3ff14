# To be sourced: installs packages on Debian and its like, where this user may.

# install PACKAGE...; says why not and fails where they cannot be installed.
install() {
    local as_root
    if ! command -v apt-get >/dev/null; then
        why_not="this script can install packages only with apt-get"
        return 1
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=(env DEBIAN_FRONTEND=noninteractive)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
    else
        why_not="this user may not install packages"
        return 1
    fi
    echo "Installing $*" >&2
    "${as_root[@]}" apt-get update -qq >&2 || { why_not="apt-get update failed"; return 1; }
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        { why_not="apt-get install failed"; return 1; }
}
