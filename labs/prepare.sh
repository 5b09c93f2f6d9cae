# What a fresh machine lacks; read by labs/quickstart and tests/run, which set $root.

# The oldest cargo that builds the workspace, as in Cargo.toml.
oldest_cargo=1.90

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# A program or a file of each package, and the package; arguments name more of them.
install_missing() {
    local missing=() wanted program package
    for wanted in ovs-vswitchd:openvswitch-switch ip:iproute2 ping:iputils-ping \
        ethtool:ethtool cc:gcc /usr/include/stdio.h:libc6-dev "$@"; do
        program=${wanted%%:*} package=${wanted#*:}
        command -v "$program" >/dev/null || [ -e "$program" ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "please install: ${missing[*]}"
    echo "Installing ${missing[*]}"
    apt-get update -q=2
    DEBIAN_FRONTEND=noninteractive apt-get install -q=2 --no-install-recommends "${missing[@]}" \
        >/dev/null
}

# sudo resets PATH, and rustup installs for one user: look at the owner's and the caller's too.
find_cargo() {
    local user home found
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    for user in "$(stat -c %U "$root")" "${SUDO_USER:-root}"; do
        home=$(getent passwd "$user" | cut -d: -f6) || continue
        [ -x "$home/.cargo/bin/cargo" ] || continue
        PATH=$home/.cargo/bin:$PATH
        # rustup keeps its toolchains beside the user's cargo.
        [ ! -d "$home/.rustup" ] || export RUSTUP_HOME=${RUSTUP_HOME-$home/.rustup}
        break
    done
    command -v cargo >/dev/null ||
        die "no cargo: install Rust $oldest_cargo or newer, see https://rustup.rs"
    found=$(cargo --version | cut -d' ' -f2)
    printf '%s\n' "$oldest_cargo" "$found" | sort -CV ||
        die "cargo $found is too old: install Rust $oldest_cargo or newer, see https://rustup.rs"
}

# Runs a command as the owner of the checkout: what sudo builds must not be root's.
as_owner() {
    local owner home
    owner=$(stat -c %U "$root")
    home=$(getent passwd "$owner" | cut -d: -f6) || owner=root
    if [ "$owner" = root ] || [ "$(id -u)" != 0 ]; then
        "$@"
    else
        runuser -u "$owner" -- env HOME="$home" PATH="$PATH" "$@"
    fi
}
