# Sourced first by the scripts that run stages: DVC works in a git repository only, with a commit.
if ! said=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse --quiet --verify HEAD 2>&1); then
    echo "make: this tree has no git commit, which DVC needs${said:+ ($said)}:" \
        "clone the repository, or: git init && git add . && git commit -m start" >&2
    exit 2
fi
