# Sourced by the recipe's scripts: $python, and what this machine lacks for them.

python=${PYTHON:-python3}
export OMP_WAIT_POLICY=passive  # threads that wait for work leave the core to others
export TRANSFORMERS_VERBOSITY=error HF_HUB_DISABLE_PROGRESS_BARS=1

# Prints nothing where everything is there.
lacking() {
    local error
    if ! error=$("$python" -c 'import PIL, diffusers, numpy, safetensors, tokenizers, torch, transformers' 2>&1); then
        echo "$python lacks what the recipe needs (${error##*$'\n'}); PYTHON can name another"
    elif ! command -v rsvg-convert >/dev/null; then
        echo "rsvg-convert is missing (Debian's librsvg2-bin)"
    elif ! PYTHONPATH=weights/recipe "$python" -c 'import sys, sprites; sys.exit(not sprites.artwork().is_dir())'; then
        echo "the artwork is missing (Debian's ruby-gemojione)"
    fi
}
