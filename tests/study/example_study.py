"""A realistic synthetic study of five arms, for the tests of study/ and report/ alone."""

import math

import numpy as np

from genomenet.evaluation.results import Likelihood
from genomenet.study.results import (
    ArmRun,
    CurvePoint,
    Example,
    Floor,
    Gene,
    GenomeRecord,
    ScheduleRecord,
    SplitRecord,
    Study,
    Surprise,
    Track,
)

WINDOWS, WINDOW_BP = 192, 1024
BUDGET = 24_000_000
DECAY = 19_200_000

# key: label, family, router, mixer, layout, parameters, FLOPs per base, final loss, speed
ARMS = {
    "t": ("Transformer", "isotropic", "none", "transformer", "T5", 1.01e6, 4.9e6, 1.271, 1.0),
    "m": ("Mamba-2", "isotropic", "none", "mamba2", "M5", 1.08e6, 4.6e6, 1.237, 1.6),
    "ht": ("H-Net, Transformer main", "hierarchical", "learned", "transformer", "m2 + T7 + m1",
           1.98e6, 5.1e6, 1.239, 1.55),
    "hm": ("H-Net, Mamba-2 main", "hierarchical", "learned", "mamba2", "m2 + M7 + m1",
           2.09e6, 4.9e6, 1.226, 1.9),
    "fixed": ("H-Net, Mamba-2 main, fixed grid", "hierarchical", "fixed", "mamba2",
              "m2 + M7 + m1", 2.07e6, 4.8e6, 1.246, 1.4),
}  # fmt: skip


def likelihood(checkpoint, nats, seed, chunk=(), flops=4.9e6):
    """A likelihood of about `nats`, on windows whose difficulty every arm shares."""
    shared = np.random.default_rng(7).gamma(40, 1 / 40, WINDOWS)
    own = np.random.default_rng(seed).normal(0, 0.004, WINDOWS)
    bases = np.full(WINDOWS, WINDOW_BP - 1)
    bases[::17] -= 200
    window_nats = np.round((nats * shared + own) * bases, 4)
    window_nats *= nats * bases.sum() / window_nats.sum()
    total, half = float(window_nats.sum()), int(bases.sum()) // 2
    masked = total * 0.488
    return Likelihood(
        checkpoint=checkpoint,
        nats=total / int(bases.sum()),
        bases=int(bases.sum()),
        window_nats=tuple(map(float, window_nats)),
        window_bases=tuple(map(int, bases)),
        masked_nats=masked,
        masked_bases=half,
        unmasked_nats=total - masked,
        unmasked_bases=int(bases.sum()) - half,
        bases_per_chunk=chunk,
        flops_per_base=flops,
    )


def arm_run(key, seed, final_nats=None):
    """One run of an arm of `ARMS`, optionally with another final loss."""
    label, family, router, mixer, layout, parameters, flops, nats, speed = ARMS[key]
    nats = final_nats if final_nats is not None else nats
    generator = np.random.default_rng([seed, *key.encode()])
    nats += generator.normal(0, 0.0006)
    before = nats + 0.018
    grid = family == "hierarchical"
    curve = []
    for i, bases in enumerate(np.geomspace(400_000, BUDGET, 28).astype(int)):
        fall = (math.log(bases) - math.log(300_000)) / (math.log(DECAY) - math.log(300_000))
        value = before + (1.375 - before) * max(0.0, 1 - fall ** (1 / speed)) ** 1.1
        if bases > DECAY:
            value -= 0.018 * (bases - DECAY) / (BUDGET - DECAY)
        phase = "warmup" if bases < 800_000 else "stable" if bases <= DECAY else "decay"
        chunk = ()
        if grid:
            wobble = 1.6 * math.exp(-i / 4) + generator.normal(0, 0.03)
            chunk = (3.0,) if router == "fixed" else (3.1 + wobble,)
        curve.append(
            CurvePoint(
                step=int(bases) // 4096,
                bases=int(bases),
                nats=float(value + generator.normal(0, 0.0008)),
                phase=phase,
                bases_per_chunk=chunk,
                flops=3.0 * flops * int(bases),
            )
        )
    chunk = () if not grid else (3.0,) if router == "fixed" else (3.12,)
    return ArmRun(
        arm=key,
        label=label,
        seed=seed,
        family=family,
        chunker=router,
        main_mixer=mixer,
        layout=layout,
        parameters=int(parameters),
        flops_per_base_nominal=flops * 1.01,
        training_bases=BUDGET,
        bases_per_second={"t": 9800.0, "m": 6400.0}.get(key, 4300.0),
        curve=tuple(curve),
        before_decay=likelihood("before decay", before, seed + 100, chunk, flops),
        final=likelihood("final", nats, seed, chunk, flops),
        target_bases_per_chunk=(3.0,) if grid else (),
    )


def example(length=8192):
    """A window with one gene and boundaries of the learned and the fixed Mamba-2 arms."""
    start = 61_400_000
    generator = np.random.default_rng(3)
    learned = np.clip(generator.beta(0.35, 0.75, length), 0, 1)
    exons = (
        (start + 900, start + 1130),
        (start + 3300, start + 3465),
        (start + 6900, start + 7600),
    )
    for left, right in exons:
        for i in range(left - start, min(right - start, length)):
            learned[i] = 0.93 if i % 3 == 0 else learned[i] * 0.35
    learned = np.round(learned, 3)
    grid = [i % 3 == 0 for i in range(length)]
    return Example(
        contig="chr20",
        start=start,
        end=start + length,
        genes=(Gene("SYN1", "+", start + 700, start + 7800, exons),),
        tracks=(
            Track("hm", 1, 0, tuple(map(float, learned)), tuple(bool(p >= 0.5) for p in learned)),
            Track("fixed", 1, 0, tuple(map(float, grid)), tuple(grid)),
        ),
        soft_mask=((start + 1600, start + 1910), (start + 4300, start + 5200)),
        sequence="".join(generator.choice(list("ACGT"), length)),
        surprise=tuple(
            Surprise(arm, 1, (math.nan, *np.round(generator.gamma(4, 0.3, length - 1), 4).tolist()))
            for arm in ARMS
        ),
    )


def make_study(seeds=(1, 2, 3), runs=None, floors=None):
    """The study; `runs` and `floors` replace its own."""
    markov = [1.3665, 1.3480, 1.3440, 1.3371, 1.3330, 1.3297, 1.3263, 1.3228, 1.3185, 1.2990,
              1.2870, 1.2842]  # fmt: skip
    trivial = [Floor("uniform", math.log(4), "every base has probability 1/4")]
    trivial += [
        Floor("base composition" if k == 0 else f"order-{k} Markov", nats, "counts, back-off")
        for k, nats in enumerate(markov)
    ]
    return Study(
        name="chr20, laptop budget",
        created="2026-03-01",
        command="genomenet compare --config configs/study/laptop.yaml --out runs/chr20 && echo <&>",
        version="0.1.0",
        genome=GenomeRecord(("chr20",), "sha256:9f2c41d07be1", 64_444_167),
        splits=SplitRecord({"train": 58_000_000, "valid": 3_000_000, "test": 3_444_167}, 0, 1024),
        token_budget=BUDGET,
        schedule=ScheduleRecord(800_000, DECAY),
        runs=tuple(runs if runs is not None else [arm_run(a, s) for a in ARMS for s in seeds]),
        floors=tuple(trivial if floors is None else floors),
        example=example(),
        notes=("A synthetic study made for the tests.",),
    )
