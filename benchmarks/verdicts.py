"""What was measured beside its target, and in a word whether the target is kept."""


def told(what: str, found: str, target: str, *, kept: bool, bound: str = "") -> None:
    """`bound`: why no method can keep this target, where that is proven; a miss is then none of ours."""
    print(f"  {what}: {found}   target: {target}   {word(kept=kept, bound=bound)}")


def word(*, kept: bool, bound: str = "") -> str:
    if kept:
        return "met"
    return f"at the bound ({bound})" if bound else "MISSED"


def unmeasured(what: str, why: str, target: str) -> None:
    print(f"  {what}: not measured ({why})   target: {target}")
