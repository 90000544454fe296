"""wandb and mlflow in memory, as far as Lightning's loggers and ours call them."""

import itertools
import sys
import types
from dataclasses import dataclass, field


@dataclass
class Run:
    """What a tracker has heard of one run."""

    id: str
    project: str
    name: str
    starts: int = 1
    params: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)
    status: str = "RUNNING"


def _module(monkeypatch, name, **content):
    module = types.ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)
    return module


def install_wandb(monkeypatch):
    """Put a stand-in where imports find it; returns the runs by id."""
    runs = {}

    class WandbRun:
        def __init__(self, of):
            self.of = of
            self.config = types.SimpleNamespace(update=self._update)
            self.name, self.id = of.name, of.id

        def _update(self, params, allow_val_change=False):
            self.of.params.update(params)

        def define_metric(self, name, step_metric=None, step_sync=None):
            pass

        def log(self, row):
            assert wandb.run is self, "a run that is finished, or another's"
            self.of.rows.append(row)

        def finish(self, exit_code=0):
            self.of.status = "FINISHED" if exit_code == 0 else "FAILED"
            wandb.run = None

    def init(name=None, project=None, dir=None, id=None, resume=None, anonymous=None):
        assert wandb.run is None, "the last run was left open"
        assert resume == "allow"
        if id in runs:
            runs[id].starts += 1
        else:
            runs[id] = Run(id, project, name)
        wandb.run = WandbRun(runs[id])
        return wandb.run

    wandb = _module(monkeypatch, "wandb", init=init, run=None)
    _module(monkeypatch, "wandb.sdk")
    _module(monkeypatch, "wandb.sdk.lib", RunDisabled=type("RunDisabled", (), {}))
    _module(monkeypatch, "wandb.wandb_run", Run=WandbRun)
    monkeypatch.setattr("lightning.pytorch.loggers.wandb._WANDB_AVAILABLE", True)
    return runs


def install_mlflow(monkeypatch):
    """Put a stand-in where imports find it; returns the runs by id, and the addresses asked."""
    runs, uris, numbers = {}, [], itertools.count(1)

    class Client:
        def __init__(self, tracking_uri):
            uris.append(tracking_uri)

        def get_experiment_by_name(self, name):
            known = [run for run in runs.values() if run.project == name]
            return (
                types.SimpleNamespace(lifecycle_stage="active", experiment_id=name)
                if known
                else None
            )

        def create_experiment(self, name, artifact_location=None):
            return name

        def create_run(self, experiment_id, tags):
            run = Run(f"run{next(numbers)}", experiment_id, tags["mlflow.runName"])
            runs[run.id] = run
            return self.get_run(run.id)

        def get_run(self, run_id):
            info = types.SimpleNamespace(run_id=run_id, experiment_id=runs[run_id].project)
            return types.SimpleNamespace(info=info)

        def log_batch(self, run_id, params=(), metrics=()):
            for one in params:
                assert one.key not in runs[run_id].params, "mlflow takes a parameter once"
                runs[run_id].params[one.key] = one.value
            runs[run_id].rows += [{one.key: one.value, "step": one.step} for one in metrics]

        def set_terminated(self, run_id, status):
            runs[run_id].status = status

    record = types.SimpleNamespace
    _module(monkeypatch, "mlflow", set_tracking_uri=uris.append)
    _module(monkeypatch, "mlflow.tracking", MlflowClient=Client)
    _module(monkeypatch, "mlflow.tracking.context", resolve_tags=lambda tags=None: tags)
    _module(monkeypatch, "mlflow.entities", Param=record, Metric=record)
    _module(monkeypatch, "mlflow.utils")
    _module(monkeypatch, "mlflow.utils.mlflow_tags", MLFLOW_RUN_NAME="mlflow.runName")
    monkeypatch.setattr("lightning.pytorch.loggers.mlflow._MLFLOW_AVAILABLE", True)
    return runs, uris
