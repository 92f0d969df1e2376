# Sourced by the recipe's scripts: $python, and what this machine lacks for them.

python=${PYTHON:-python3}
export OMP_WAIT_POLICY=passive  # threads that wait for work leave the core to others
export TRANSFORMERS_VERBOSITY=error HF_HUB_DISABLE_PROGRESS_BARS=1

# Prints nothing where everything is there.
lacking() {
    if ! "$python" -c 'import PIL, diffusers, tokenizers, torch, transformers' 2>/dev/null; then
        echo "$python lacks PyTorch, diffusers or transformers; PYTHON can name another"
    elif ! command -v rsvg-convert >/dev/null || ! PYTHONPATH=weights/recipe "$python" -c '
import sys, sprites
sys.exit(not sprites.artwork().is_dir())'; then
        echo "the artwork is missing (Debian's ruby-gemojione and librsvg2-bin)"
    fi
}
