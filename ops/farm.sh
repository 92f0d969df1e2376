# Sourced by scripts that want pictures: sets the machine up, builds, and gives them a farm of one coordinator and two
# workers on this machine, which ends with the script.

ops/setup
echo "Building (some minutes the first time)"
# As ops/test builds: in a tree that has one product alone the tests would compile protoc too, ten minutes more.
swift build --configuration release --build-tests --quiet
tessera="$(swift build --configuration release --show-bin-path)/tessera"

# start_farm [OPTION…]: `tessera up` with these. Its process is $farm, a folder that ends with it is $work.
start_farm() {
    work=$(mktemp -d)
    "$tessera" up --workers 2 --data "$work/farm" --quiet "$@" &
    farm=$!
    trap 'kill "$farm" 2>/dev/null; wait "$farm" 2>/dev/null; rm -rf "$work"' EXIT
}
