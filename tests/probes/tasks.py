"""Tasks of tests: planted signals, and none."""

import numpy as np

from genomenet.probes.task import Example, Task, make_task


def gc_task(rows: int = 120, length_bp: int = 40, seed: int = 0, shuffled: bool = False) -> Task:
    """Two classes that differ in GC, or whose labels say nothing."""
    generator = np.random.default_rng(seed)
    examples = []
    for row in range(rows):
        rich = row % 2 == 1
        shares = [0.15, 0.35, 0.35, 0.15] if rich else [0.35, 0.15, 0.15, 0.35]
        codes = generator.choice(4, length_bp, p=shares).astype(np.uint8)
        label = "rich" if rich else "poor"
        if shuffled:
            label = generator.choice(["rich", "poor"])
        examples.append(Example(codes, str(label), "train" if row < rows // 2 else "test"))
    return make_task("gc", examples, "gc.csv")
