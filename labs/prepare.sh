# What a fresh machine lacks; read by labs/quickstart and tests/run.

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# A program of each package, and the package.
install_missing() {
    local missing=() wanted program package
    for wanted in ovs-vswitchd:openvswitch-switch ip:iproute2 ping:iputils-ping \
        ethtool:ethtool timeout:coreutils cc:gcc; do
        program=${wanted%%:*} package=${wanted#*:}
        command -v "$program" >/dev/null || missing+=("$package")
    done
    # The compiler alone cannot link.
    [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    echo "Installing ${missing[*]}"
    apt-get update -q=2
    DEBIAN_FRONTEND=noninteractive apt-get install -q=2 --no-install-recommends "${missing[@]}" \
        >/dev/null
}

# sudo resets PATH, and rustup installs for one user: look at theirs too.
find_cargo() {
    local home
    home=$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)
    for directory in "${CARGO_HOME:-$HOME/.cargo}/bin" "$home/.cargo/bin"; do
        [ -x "$directory/cargo" ] && PATH=$directory:$PATH && break
    done
    command -v cargo >/dev/null || die "no cargo found: install Rust from https://rustup.rs"
    # rustup keeps its toolchains beside the user's cargo.
    if [ -z "${RUSTUP_HOME-}" ] && [ ! -d "$HOME/.rustup" ] && [ -d "$home/.rustup" ]; then
        export RUSTUP_HOME=$home/.rustup
    fi
}
