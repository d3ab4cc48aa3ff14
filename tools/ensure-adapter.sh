#!/usr/bin/env bash
# Makes sure that a Vulkan adapter can be there before the demo or the tests start.
#
# Linux only: elsewhere Metal and DirectX come with the system. Nothing is touched where the Vulkan
# loader and any driver are present, so a machine with a GPU keeps its own. Otherwise Mesa's drivers
# are installed, which include one that computes on the processor. That needs apt-get and the right to
# use it; without them the script says what to install and fails.
set -euo pipefail

packages=(mesa-vulkan-drivers libvulkan1)

has_driver() {
    local file
    for file in /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json; do
        if [ -e "$file" ]; then return 0; fi
    done
    return 1
}

has_loader() {
    # ldconfig is in /sbin, which is not on every user's path. Reading all of its output keeps pipefail
    # from taking an early end of grep for a failure.
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -F libvulkan.so.1 >/dev/null
}

has_adapter() {
    has_driver && has_loader
}

give_up() {
    cat >&2 <<TEXT
No Vulkan adapter can be found: $1.
Install the Vulkan driver of your GPU, or a driver that computes on the processor:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install ${packages[*]}
  Fedora:          sudo dnf install mesa-vulkan-drivers vulkan-loader
  Arch:            sudo pacman -S vulkan-swrast vulkan-icd-loader
TEXT
    exit 1
}

if [ "$(uname -s)" != Linux ] || has_adapter; then exit 0; fi

. "$(dirname "${BASH_SOURCE[0]}")/install.sh"
echo "No Vulkan driver is installed." >&2
install "${packages[@]}" || give_up "$why_not"
has_adapter || give_up "the installed packages brought none"
