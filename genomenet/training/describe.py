"""What a run's folder says of the run: config, data, versions, costs."""

from genomenet.annotation.scored_genome import ScoredGenome
from genomenet.models.flops import flops_per_base
from genomenet.models.parameters import count_parameters
from genomenet.ops.backend import kernels
from genomenet.training.config import RunConfig
from genomenet.training.data import GenomeDataModule
from genomenet.training.device import uses_gpu
from genomenet.training.inputs import open_regions
from genomenet.training.machine import describe_machine
from genomenet.training.provenance import describe_source
from genomenet.training.record import FORMAT, config_to_dict, now, versions
from genomenet.windows.leak import LeakReport


def describe_run(config: RunConfig, data: GenomeDataModule, leak: LeakReport, command: str) -> dict:
    """The content of run.json, but for the digest of a patcher.

    Parameters
    ----------
    config : RunConfig
        The run.
    data : GenomeDataModule
        Its data.
    leak : LeakReport
        Of its splits.
    command : str
        What made it.
    """
    flops = flops_per_base(config.model, config.data.max_length)
    regions = open_regions(data.genome, config.data)
    return {
        "format": FORMAT,
        "command": command,
        "created": now(),
        "versions": versions(),
        "config": config_to_dict(config),
        "data": {
            "digest": data.genome.digest,
            "source": describe_source(data.genome, config.data),
            "track": (
                data.genome.track.fingerprint if isinstance(data.genome, ScoredGenome) else None
            ),
            "regions": regions.digest if regions is not None else None,
            "contigs": len(data.genome.contigs),
            "length_bp": data.genome.length_bp,
            "splits": data.splits.digest,
            "split_bp": {name: bases.total_bp for name, bases in leak.bases.items()},
            "leaked_bp": leak.leak_bp,
            "valid_tiles": len(data.valid_tiles),
        },
        "kernels": kernels("cuda" if uses_gpu(config.train) else "cpu"),
        "machine": describe_machine(uses_gpu(config.train)),
        "micro_batch_size": data.size,
        "parameters": count_parameters(config.model),
        "flops_per_base_nominal": flops.total,
        "training_flops_nominal": flops.training
        * config.train.max_steps
        * config.train.global_batch_size
        * config.data.max_length,
    }
