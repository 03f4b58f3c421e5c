"""A function a command. Written by python/generate.py from `losscape list flags --json`: not to be changed by hand."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, Sequence, Union

from ._call import Command, Data, List_, Network, Paths, Range, Setting, Text, call
from ._result import Result

#: The version of the program that this was written for.
VERSION = "0.1.0"
#: SHA-256 of the list that this was written from.
LIST = "967531dad0ede84909b8d4baa41b80adb60c5f12a3ba4053d77308e1c7a16ca0"

__all__ = [
    "connect",
    "critical",
    "data",
    "ensemble",
    "inspect",
    "instability",
    "list",
    "lr_range",
    "merge",
    "minima",
    "plot",
    "propagate",
    "recipe",
    "run",
    "sharpness",
    "simplex",
    "slice",
    "smoothness",
    "submit",
    "ticket",
    "topology",
    "train",
    "travel",
    "width",
]

#: How the keywords of each command become its flags.
COMMANDS: Dict[str, Command] = {
    "completions": Command({}, ('shell',), None, False, False),
    "connect": Command({'curve': 'one', 'optimizer': 'one', 'lr': 'one', 'schedule': 'one', 'warmup': 'one', 'epochs': 'one', 'batch_size': 'one', 'weight_decay': 'one', 'clip': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'align': 'one', 'repair': 'switch', 'neb': 'switch', 'points': 'one', 'plane': 'one', 'between': 'one', 'samples': 'one', 'seed': 'one', 'precision': 'one', 'memory': 'one', 'from_': 'one', 'to': 'one', 'to_weights': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/connect', True, True),
    "critical": Command({'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'samples': 'one', 'loss': 'one', 'init': 'one', 'initial': 'one', 'scales': 'list', 'training': 'one', 'minimum': 'one', 'noise': 'list', 'saddle': 'one', 'perturbation': 'one', 'runs': 'one', 'optimizer': 'one', 'lr': 'one', 'epochs': 'one', 'steps': 'one', 'tolerance': 'one', 'flat': 'one', 'distance': 'one', 'seed': 'one', 'hidden': 'one', 'activation': 'one', 'model': 'one', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/critical', True, True),
    "data": Command({'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'samples': 'one', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, ('data',), 'out/data', True, True),
    "ensemble": Command({'cycles': 'one', 'cycle': 'one', 'optimizer': 'one', 'lr': 'one', 'lr_low': 'one', 'independent': 'one', 'plane': 'one', 'seed': 'one', 'memory': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/ensemble', True, True),
    "inspect": Command({'along': 'one', 'precision': 'one', 'eigenvalues': 'switch', 'data': 'one', 'other_data': 'switch', 'weights': 'one', 'loss': 'one', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one'}, ('file',), None, True, True),
    "instability": Command({'branch': 'list', 'seeds': 'one', 'points': 'one', 'stable': 'one', 'stats': 'one', 'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'samples': 'one', 'loss': 'one', 'init': 'one', 'schedule': 'one', 'warmup': 'one', 'workers': 'one', 'target_loss': 'one', 'target_gradient': 'one', 'clip': 'one', 'clip_value': 'one', 'sam': 'one', 'best': 'one', 'ema': 'one', 'swa': 'one', 'snapshots': 'one', 'probe': 'one', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'bias': 'one', 'norm': 'one', 'depth': 'one', 'skip': 'one', 'momentum': 'one', 'nesterov': 'one', 'weight_decay': 'one', 'label_smoothing': 'one', 'model': 'one', 'optimizer': 'one', 'lr': 'one', 'batch_size': 'one', 'epochs': 'one', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/instability', True, True),
    "list": Command({}, ('sort',), None, True, False),
    "lr-range": Command({'lr_min': 'one', 'lr_max': 'one', 'steps': 'one', 'smoothing': 'one', 'rule': 'one', 'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'samples': 'one', 'loss': 'one', 'init': 'one', 'optimizer': 'one', 'lr': 'one', 'schedule': 'one', 'warmup': 'one', 'batch_size': 'one', 'workers': 'one', 'epochs': 'one', 'target_loss': 'one', 'target_gradient': 'one', 'clip': 'one', 'clip_value': 'one', 'sam': 'one', 'best': 'one', 'ema': 'one', 'swa': 'one', 'snapshots': 'one', 'probe': 'one', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'bias': 'one', 'norm': 'one', 'depth': 'one', 'skip': 'one', 'momentum': 'one', 'nesterov': 'one', 'weight_decay': 'one', 'label_smoothing': 'one', 'model': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/lr-range', True, True),
    "man": Command({}, ('page',), None, False, False),
    "merge": Command({'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, ('parts',), 'out/merge', True, True),
    "minima": Command({'points': 'one', 'stats': 'one', 'linkage': 'one', 'align': 'one', 'neb': 'switch', 'neb_edges': 'one', 'cka_samples': 'one', 'labels': 'list', 'path_seed': 'one', 'run': 'repeated', 'weights': 'repeated', 'other_data': 'switch', 'count': 'one', 'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'samples': 'one', 'model': 'one', 'loss': 'one', 'init': 'one', 'optimizer': 'one', 'lr': 'one', 'schedule': 'one', 'warmup': 'one', 'batch_size': 'one', 'workers': 'one', 'epochs': 'one', 'target_loss': 'one', 'target_gradient': 'one', 'clip': 'one', 'clip_value': 'one', 'sam': 'one', 'best': 'one', 'ema': 'one', 'swa': 'one', 'snapshots': 'one', 'probe': 'one', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'bias': 'one', 'norm': 'one', 'depth': 'one', 'skip': 'one', 'momentum': 'one', 'nesterov': 'one', 'weight_decay': 'one', 'label_smoothing': 'one', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/minima', True, True),
    "plot": Command({'config': 'one', 'out': 'one', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'cmap': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch'}, ('result',), 'out/plot', True, True),
    "product": Command({'run': 'repeated', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'operator': 'one', 'samples': 'one', 'stats': 'one', 'stat_batch': 'one', 'precision': 'one', 'memory': 'one', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one'}, (), None, True, True),
    "propagate": Command({'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'samples': 'one', 'loss': 'one', 'init': 'repeated', 'norm': 'repeated', 'seeds': 'one', 'jacobian_samples': 'one', 'seed': 'one', 'precision': 'one', 'memory': 'one', 'hidden': 'one', 'activation': 'one', 'model': 'one', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/propagate', True, True),
    "recipe": Command({}, ('name',), None, False, False),
    "run": Command({'set': 'repeated', 'seeds': 'one', 'quick': 'switch', 'scale': 'one', 'plan': 'switch', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, ('recipe',), 'out/run', True, True),
    "sharpness": Command({'quick': 'switch', 'full': 'switch', 'compute': 'list', 'operator': 'one', 'draws': 'one', 'layer': 'list', 'role': 'list', 'block': 'list', 'weight_decay': 'one', 'top': 'one', 'exact': 'one', 'bottom': 'one', 'tolerance': 'one', 'steps': 'one', 'delta': 'one', 'epsilon': 'one', 'allow_unconverged': 'switch', 'vectors': 'switch', 'probes': 'one', 'density_steps': 'one', 'density_probes': 'one', 'eps': 'one', 'measures': 'list', 'columns': 'one', 'sampler': 'one', 'shifts': 'list', 'shift_range': 'range', 'noise_batch': 'one', 'labels': 'list', 'stats': 'one', 'stat_batch': 'one', 'samples': 'one', 'test_samples': 'one', 'seed': 'one', 'precision': 'one', 'memory': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/sharpness', True, True),
    "simplex": Command({'connectors': 'one', 'optimizer': 'one', 'lr': 'one', 'schedule': 'one', 'warmup': 'one', 'epochs': 'one', 'batch_size': 'one', 'weight_decay': 'one', 'clip': 'one', 'volume': 'one', 'points': 'one', 'members': 'one', 'plane': 'one', 'samples': 'one', 'seed': 'one', 'labels': 'list', 'precision': 'one', 'memory': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/simplex', True, True),
    "slice": Command({'x': 'range', 'y': 'range', 'z': 'range', 'line': 'switch', 'directions': 'one', 'normalize': 'one', 'biases': 'switch', 'norms': 'switch', 'orthogonal': 'switch', 'repeat': 'one', 'most': 'one', 'typical': 'switch', 'labels': 'list', 'maps': 'list', 'adaptive': 'optional', 'stats': 'one', 'stat_batch': 'one', 'samples': 'one', 'test_samples': 'one', 'seed': 'one', 'precision': 'one', 'vtk': 'switch', 'memory': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/slice', True, True),
    "smoothness": Command({'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'loss': 'one', 'norm': 'repeated', 'init': 'repeated', 'optimizer': 'one', 'lr': 'one', 'batch_size': 'one', 'steps': 'one', 'every': 'one', 'eta': 'range', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'model': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/smoothness', True, True),
    "submit": Command({'slurm': 'switch', 'parts': 'one', 'cpus': 'one', 'time': 'one', 'option': 'repeated', 'run': 'switch'}, ('words',), None, False, False),
    "ticket": Command({'prune': 'one', 'scope': 'one', 'rounds': 'one', 'rewind': 'one', 'controls': 'one', 'stability': 'one', 'seeds': 'one', 'points': 'one', 'stats': 'one', 'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'samples': 'one', 'loss': 'one', 'schedule': 'one', 'warmup': 'one', 'workers': 'one', 'target_loss': 'one', 'target_gradient': 'one', 'clip': 'one', 'clip_value': 'one', 'sam': 'one', 'best': 'one', 'ema': 'one', 'swa': 'one', 'snapshots': 'one', 'probe': 'one', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'bias': 'one', 'norm': 'one', 'depth': 'one', 'skip': 'one', 'momentum': 'one', 'nesterov': 'one', 'weight_decay': 'one', 'label_smoothing': 'one', 'model': 'one', 'init': 'one', 'optimizer': 'one', 'lr': 'one', 'batch_size': 'one', 'epochs': 'one', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'out/ticket', True, True),
    "topology": Command({'map': 'one', 'adjacency': 'one', 'confidence': 'one', 'simplify': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, ('result',), 'out/topology', True, True),
    "train": Command({'data': 'one', 'data_seed': 'one', 'standardize': 'one', 'standardize_targets': 'switch', 'subset': 'one', 'balance': 'switch', 'label_noise': 'one', 'crop': 'one', 'flip': 'switch', 'shift': 'one', 'samples': 'one', 'loss': 'one', 'init': 'one', 'optimizer': 'one', 'lr': 'one', 'schedule': 'one', 'warmup': 'one', 'batch_size': 'one', 'workers': 'one', 'epochs': 'one', 'target_loss': 'one', 'target_gradient': 'one', 'clip': 'one', 'clip_value': 'one', 'sam': 'one', 'best': 'one', 'ema': 'one', 'swa': 'one', 'snapshots': 'one', 'probe': 'one', 'probe_samples': 'one', 'seed': 'one', 'precision': 'one', 'hidden': 'one', 'activation': 'one', 'bias': 'one', 'norm': 'one', 'depth': 'one', 'skip': 'one', 'momentum': 'one', 'nesterov': 'one', 'weight_decay': 'one', 'label_smoothing': 'one', 'seeds': 'one', 'shard': 'one', 'claim': 'one', 'resume': 'switch', 'fresh': 'switch', 'checkpoint_every': 'one', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'model': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one', 'run': 'one'}, (), 'runs/default', True, True),
    "travel": Command({'kernel_samples': 'one', 'step': 'one', 'model': 'one', 'loss': 'one', 'weights': 'repeated', 'data': 'one', 'other_data': 'switch', 'run': 'repeated', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/travel', True, True),
    "width": Command({'widths': 'list', 'seeds': 'one', 'quick': 'switch', 'scale': 'one', 'plan': 'switch', 'set': 'repeated', 'shard': 'one', 'claim': 'one', 'fresh': 'switch', 'threads': 'one', 'isa': 'one', 'quiet': 'switch', 'config': 'one', 'out': 'one', 'log': 'optional', 'vmin': 'one', 'vmax': 'one', 'levels': 'one', 'azimuth': 'one', 'elevation': 'one', 'theme': 'one', 'dpi': 'one', 'format': 'list', 'html': 'switch', 'width': 'one', 'font_size': 'one', 'title': 'one', 'subtitle': 'one', 'no_title': 'switch', 'transparent': 'switch', 'center': 'one', 'raster': 'switch', 'animate': 'switch', 'cmap': 'one'}, (), 'out/width', True, True),
}


def connect(
    *,
    curve: Optional[Setting] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    epochs: Optional[int] = None,
    batch_size: Optional[int] = None,
    weight_decay: Optional[float] = None,
    clip: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    align: Optional[Setting] = None,
    repair: bool = False,
    neb: bool = False,
    points: Optional[int] = None,
    plane: Optional[int] = None,
    between: Optional[Literal["refresh", "interpolate"]] = None,
    samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    memory: Optional[float] = None,
    from_: Optional[Network] = None,
    to: Optional[Network] = None,
    to_weights: Optional[Text] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Whether two minima are one valley: the line between them, and a curve trained to stay low

    Parameters
    ----------
    curve : str
        Curve to train, with settings after a colon (bezier:bends=2 has two trained points,
        num_bends=4 for codes that count the ends); linear for none [one of: bezier, chain, linear]
        [default: bezier]
    optimizer : str
        Optimizer, with settings after a colon (adam:beta1=0.8) [one of: sgd, gd, heavy-ball,
        nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs] [default:
        sgd]
    lr : float
        Learning rate [default: twice the optimizer's own]
    schedule : str
        Schedule of the learning rate, with settings after a colon (step:every=10,gamma=0.5) [one
        of: constant, step, multi-step, exponential, linear, flat-linear, polynomial, cosine, sgdr,
        triangular, one-cycle] [default: flat-linear]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero [default: 0]
    epochs : int
        Passes over the training samples; 0 leaves the control points where they start [default:
        100]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 64; all with a full-batch optimizer]
    weight_decay : float
        Pull of the network on the way towards zero, added to its gradient per unit of its weights
        [default: 0]
    clip : float
        Scale gradients down to at most this norm, all parameters together
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    align : str
        Permute B's hidden units to match A's first, by this alignment; the curve then leads to the
        permuted network [one of: weights, activations, straight-through]
    repair : bool
        Also draw the straight line with REPAIR: statistics of preactivations mended at every place
        (Jordan et al. 2022) [default: false]
    neb : bool
        Also relax an AutoNEB band between the networks (Draxler et al. 2018), as the section band
        of the configuration says [default: false]
    points : int
        Places at which a path is evaluated, evenly spread over t [default: 61]
    plane : int
        Points a side of the plane that the curve lies in; 0 for no plane [default: 25]
    between : str
        Statistics of batch norm and its kin between the ends [default: refresh]
        - refresh: Made anew at every point, by a pass over the training samples
        - interpolate: Those of the two ends, moved along with the weights
    samples : int
        Train and evaluate on the first N training samples only (they are in random order) [default:
        all]
    seed : int
        Seed of the curve's training: sample order, and places on the curve [default: 0]
    precision : str
        Element type [default: the one that the networks were trained in]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    memory : float
        Memory for values that are kept instead of computed again, in GiB [default: 4]
    from_ : path
        Network at t = 0: run directory or weight file [default: runs/default, trained first if need
        be]
    to : path
        Network at t = 1 [default: runs/default-1, of the next seed]
    to_weights : path
        Weights for the graph of --to in place of its own
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/connect]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape connect
          # two seeds of the default network, trained if need be
      losscape connect --from runs/a --to runs/b --curve bezier \
          --out out/a-b
      losscape connect --from runs/a --to runs/b --curve chain:bends=3 \
          --points 121
      losscape connect --from runs/a --to runs/b --curve linear
          # the straight line alone
      losscape connect --from runs/a --to runs/b --align weights --repair
          # B's hidden units permuted to match A's
      losscape connect --from runs/a --to runs/b --neb
          # an AutoNEB band beside the curve, and its saddle
      losscape connect --from runs/a --to runs/b --epochs 60 --lr 0.05 \
          --plane 51
      losscape connect --from runs/a --to runs/b --crop 2
          # the curve on images varied at random, as the ends were trained
      losscape connect --from runs/cnn-0 --to runs/cnn-1 --samples 2000 \
          --plane 0 --json

    The bends of the curve start on the line; each mini-batch pulls them down at one random place of
    the curve (Garipov et al. 2018). A barrier is the most by which the training loss rises above
    the straight interpolation of the ends' losses. Statistics of batch norm are recomputed at every
    place that is evaluated.

    An unfinished curve is kept: the same command goes on after a stop, --fresh begins anew.

    Writes connect.json (barriers, endpoints, ensembles), connect.npz (t, linear_train_loss,
    curve_train_loss, ...), curve.safetensors (the control points), middle.safetensors (the network
    at t = 0.5, a run like any other), with --align aligned.safetensors (B permuted), with --neb
    band.safetensors, and pictures: paths, plane, plane-error, training, permuted.
    """
    return call("connect", COMMANDS["connect"], locals())


def critical(
    *,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    init: Optional[Setting] = None,
    initial: Optional[int] = None,
    scales: Optional[List_] = None,
    training: Optional[int] = None,
    minimum: Optional[int] = None,
    noise: Optional[List_] = None,
    saddle: Optional[int] = None,
    perturbation: Optional[float] = None,
    runs: Optional[int] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    epochs: Optional[int] = None,
    steps: Optional[int] = None,
    tolerance: Optional[float] = None,
    flat: Optional[float] = None,
    distance: Optional[float] = None,
    seed: Optional[int] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    model: Optional[Network] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""Critical points of a small network's loss: index against loss (Dauphin et al. 2014)

    Parameters
    ----------
    data : str
        Data set: a name from `losscape list data`, with settings after a colon [one of: digits,
        spirals, blobs, moons, circles, mnist1d, polynomial, quadratic, teacher-student,
        gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv, npz, npy, images,
        text, arguments] [default: teacher-student]
    data_seed : int
        Seed of the split and of generated data [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    samples : int
        The loss is that of the first N training samples (they are in random order); 0 for all
        [default: 500, or all if there are fewer]
    loss : str
        Whose critical points are sought, and what training minimises [one of: cross-entropy,
        squared-error, hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
        [default: squared-error]
    init : str
        Initializer of the weights [one of: he-normal, he-uniform, lecun-normal, lecun-uniform,
        glorot-normal, glorot-uniform, geometric, orthogonal, delta-orthogonal, lsuv, fixup, naive,
        mean-field] [default: he-normal]
    initial : int
        Starts at fresh draws of the initializer [default: 24]
    scales : str or list
        What the draws are multiplied by, in turn [default: 0.5,1,2]
    training : int
        Starts along training trajectories, at steps of growing distance [default: 24]
    minimum : int
        Starts around the ends of training [default: 24]
    noise : str or list
        Noise added to the ends of training, in turn: its standard deviation, as a share of the
        weights' root mean square [default: 0.03,0.1,0.3]
    saddle : int
        Starts around saddles of known form: no weights at all, a unit of a narrower network twice,
        a unit that does nothing (mlp); some of the singular vectors (matrix-factorization on the
        data set identity:observed=1) [default: 24]
    perturbation : float
        Noise added to saddles: its standard deviation [default: 0.01]
    runs : int
        Training runs behind the starts, of as many seeds [default: 4]
    optimizer : str
        Optimizer of the runs, with settings after a colon [one of: sgd, gd, heavy-ball, nesterov,
        adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs] [default: lbfgs]
    lr : float
        Learning rate of the runs [default: the optimizer's own]
    epochs : int
        Epochs of the runs [default: 1000]
    steps : int
        Most Newton steps from a start [default: 300]
    tolerance : float
        Gradient norm of a critical point, at most [default: 0.0000000001]
    flat : float
        A gradient g is flat where |H g| is at most this share of the largest |eigenvalue| times |g|
        [default: 0.00001]
    distance : float
        How far the zero of the gradient may be from a critical point, as a share of max(1, |theta|)
        [default: 0.001]
    seed : int
        First seed of initialization and sample order, and seed of all noise [default: 0]
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    model : str
        Network: a name from `losscape list model`, with settings after a colon [one of: mlp, cnn,
        vgg, resnet, linear, matrix-factorization, student, population-student, layers, exported]
        [default: mlp:activation=tanh,hidden=[3]]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/critical]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape critical
          # 3 tanh units on 500 samples of a teacher network
      losscape critical --hidden 3,3 --samples 300 --initial 100
      losscape critical --data digits --hidden 2 --samples 1000
          # more parameters, fewer points; minutes
      losscape critical --data spirals --hidden 6 --loss cross-entropy \
          --out out/spirals
      losscape critical --data identity:size=8,columns=8,rank=8,observed=1 \
          --model matrix-factorization --samples 0
          # whose critical points are known in closed form

    All in double precision. From every start the squared gradient norm is descended by damped
    Newton steps with the exact Hessian; what ends where the gradient is in the Hessian's kernel
    without being zero (flat), or vanishes without a zero nearby (receding), is no critical point:
    it stays in the arrays, faint in the picture. Finished starts are kept as they come: the same
    command goes on after a stop, --fresh begins anew.

    Writes critical.json (counts, ranges of loss and lambda_min, rank correlation, the distinct
    points), critical.npz (a row a start: loss, gradient_norm, index, negative, zero, lambda_min,
    lambda_max, threshold, ..., eigenvalues, theta), critical.png and .svg.
    """
    return call("critical", COMMANDS["critical"], locals())


def data(
    data: Optional[Data] = None,
    *,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    samples: Optional[int] = None,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Show what the network sees: arrays and a sheet of samples

    Parameters
    ----------
    data : str
        Data set, with settings after a colon [one of: digits, spirals, blobs, moons, circles,
        mnist1d, polynomial, quadratic, teacher-student, gaussian-teacher, identity, random-labels,
        idx, cifar10, cifar100, csv, npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    samples : int
        Keep the first N training samples only (they are in random order) [default: all]
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/data]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape data digits --out out/digits
      losscape data spirals:noise=0.1,turns=2 --data-seed 3
      losscape data idx:directory=mnist --subset 0.1 --balance
      losscape data cifar10:directory=cifar-10-batches-bin \
          --standardize channel
      losscape data csv:file=iris.csv,label=species
      losscape data random-labels:base=digits

    Writes data.npz (train_x, train_y, test_x, test_y: split and standardised, exactly as training
    uses them), data.json (counts, hash) and, for images, signals, points in the plane and curves,
    samples.png and .svg.

    Paths are kept as they are given, relative to where the program is started; a path with a comma
    or an equals sign is put in quotation marks: 'csv:file="a,b.csv"'.
    """
    return call("data", COMMANDS["data"], locals())


def ensemble(
    *,
    cycles: Optional[int] = None,
    cycle: Optional[int] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    lr_low: Optional[float] = None,
    independent: Optional[int] = None,
    plane: Optional[int] = None,
    seed: Optional[int] = None,
    memory: Optional[float] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Networks along a cyclical rate: fast geometric ensembles and SWA against single and independent networks

    Parameters
    ----------
    cycles : int
        Cycles of the rate; a network is collected at the end of each [default: 6]
    cycle : int
        Epochs in a cycle: half of them up to the highest rate, half down to the lowest [default: 4]
    optimizer : str
        Optimizer along the cycles, with settings after a colon [default: the one that the network
        was trained with; sgd if that takes no rate] [one of: sgd, gd, heavy-ball, nesterov,
        adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs]
    lr : float
        Highest rate [default: the rate that the network was trained with, or --optimizer's own]
    lr_low : float
        Lowest rate [default: a hundredth of the highest]
    independent : int
        Number of further networks to train as the first was, from the seeds after its own, to
        compare with; 0 for none [default: 5]
    plane : int
        Points a side of the plane through start, average and last network; 0 for no plane [default:
        25]
    seed : int
        Seed of the sample order along the cycles [default: 0]
    memory : float
        Memory for values that are kept instead of computed again, in GiB [default: 4]
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated
        [default: runs/default, trained first if it is not there]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/ensemble]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape ensemble
          # from the default network, trained if need be
      losscape ensemble --run runs/a --cycles 10 --cycle 2 --lr 0.05 \
          --lr-low 0.0005
      losscape ensemble --run runs/cnn --independent 0 --plane 0 --json
      losscape train --data mnist1d --hidden 100 --epochs 40 --lr 0.02 \
          --out runs/m
      losscape ensemble --run runs/m --lr 0.2
          # a higher rate takes the networks further apart
      losscape slice --run out/ensemble/swa.safetensors
          # the average is a run like any other

    Training goes on from the network with a rate that swings from --lr-low up to --lr and down
    again; a network is collected at the end of each cycle. Fast geometric ensembling (Garipov et
    al. 2018) averages what they predict, SWA (Izmailov et al. 2018) averages their weights, with
    statistics of batch norm recomputed. Independent networks are trained as the first was, from the
    seeds after its own, into DIR/seed-N; the first is one of their ensemble.

    What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

    Writes ensemble.json (start, members, swa, single, ensemble, independent: losses, errors, the
    epochs that each cost), ensemble.npz (turn, turn_lr, epoch_train_loss, ...; ensemble_test_error
    and independent_test_error by number of members; train_loss, ..., test_error of every network;
    distance of shape (n, n): start, members, swa, independent ones), swa.safetensors,
    member-1.safetensors and so on, and pictures: cycles, members, plane.
    """
    return call("ensemble", COMMANDS["ensemble"], locals())


def inspect(
    file: Text,
    *,
    along: Optional[Setting] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    eigenvalues: bool = False,
    data: Optional[Data] = None,
    other_data: bool = False,
    weights: Optional[Text] = None,
    loss: Optional[Any] = None,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
) -> Any:
    r"""What was understood of an exported network: parameters, inputs, operators, and its derivatives

    Parameters
    ----------
    file : path
        Archive of torch.export.save (.pt2), or a model of ONNX
    along : str
        Derivatives along a direction: sine, gradient, or a safetensors file with the parameters'
        names
    precision : str
        Element type, f32 or f64 [default: that of the parameters]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    eigenvalues : bool
        All eigenvalues of the Hessian, of at most 3000 parameters
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused
    other_data : bool
        Take other samples with --data than the networks were trained on
    weights : path
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    loss : str
        Loss of a graph that ends in outputs, as `losscape train --loss` names it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in

    Examples:
      losscape inspect model.pt2
          # parameters, inputs and operators
      losscape inspect model.pt2 --data npz:file=batch.npz
          # loss and gradient norm as well
      losscape inspect model.pt2 --data npz:file=batch.npz --along sine \
          --precision f64 --json
      losscape inspect model.pt2 --data npz:file=batch.npz --eigenvalues
          # of the whole Hessian of a small network

    The file is an archive of torch.export.save whose module returns the mean loss of its batch. The
    arrays of the data are called as the arguments of its forward. Along a direction v: g.v, v.Hv
    and |Hv|, exact; `sine` is v_i = sin(i + 1) over all parameters in the order of the file.
    """
    return call("inspect", COMMANDS["inspect"], locals())


def instability(
    *,
    branch: Optional[List_] = None,
    seeds: Optional[int] = None,
    points: Optional[int] = None,
    stable: Optional[float] = None,
    stats: Optional[Literal["refresh", "interpolate"]] = None,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    init: Optional[Setting] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    workers: Optional[int] = None,
    target_loss: Optional[float] = None,
    target_gradient: Optional[float] = None,
    clip: Optional[float] = None,
    clip_value: Optional[float] = None,
    sam: Optional[float] = None,
    best: Optional[Literal["test-loss", "train-loss"]] = None,
    ema: Optional[float] = None,
    swa: Optional[int] = None,
    snapshots: Optional[Setting] = None,
    probe: Optional[Setting] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    bias: Optional[Setting] = None,
    norm: Optional[Setting] = None,
    depth: Optional[Setting] = None,
    skip: Optional[Setting] = None,
    momentum: Optional[Setting] = None,
    nesterov: Optional[Setting] = None,
    weight_decay: Optional[Setting] = None,
    label_smoothing: Optional[Setting] = None,
    model: Optional[Network] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    batch_size: Optional[int] = None,
    epochs: Optional[int] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""The barrier between two branches of a run that part at step k (Frankle et al. 2020)

    Parameters
    ----------
    branch : str or list
        Steps after which two branches part, ascending; 0 is the initialization [default:
        0,20,100,400,1000, as far as training goes]
    seeds : int
        Runs that branch, with --seed and the seeds after it [default: 5]
    points : int
        Points of the line between two ends, both among them [default: 31]
    stable : float
        Training is stable from the step on where the median barrier of the error is at most this,
        in points [default: 0.02]
    stats : str
        Where statistics of batch norm come from on the line [default: refresh]
        - refresh: Made anew at every point, by a pass over the training samples
        - interpolate: Those of the two ends, moved along with the weights
    data : str
        Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
        [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial, quadratic,
        teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv,
        npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data; runs of different --seed share it [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    samples : int
        Train on the first N training samples only (they are in random order) [default: all]
    loss : str
        What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss
        is their mean) [one of: cross-entropy, squared-error, hinge, logistic, excess, huber,
        absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    init : str
        Initializer of the weights [default: he-normal; an exported network starts from the weights
        in its file] [one of: he-normal, he-uniform, lecun-normal, lecun-uniform, glorot-normal,
        glorot-uniform, geometric, orthogonal, delta-orthogonal, lsuv, fixup, naive, mean-field]
    schedule : str
        Schedule of the learning rate, which changes at every step, with settings after a colon
        (step:every=10,gamma=0.5) [one of: constant, step, multi-step, exponential, linear,
        flat-linear, polynomial, cosine, sgdr, triangular, one-cycle] [default: constant]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of
        the first step [default: 0]
    workers : int
        Share each mini-batch out evenly among this many workers, as data-parallel training does:
        the gradient is the same, but norms see each worker's own samples [default: none, one batch]
    target_loss : float
        Stop at the end of an epoch whose training loss is at most this
    target_gradient : float
        Stop at the end of an epoch where the gradient over all training samples has at most this
        norm
    clip : float
        Scale gradients down to at most this norm, all parameters together
    clip_value : float
        Cut each coordinate of gradients off at plus and minus this value, before --clip
    sam : float
        Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05);
        0 for none [default: 0]
    best : str
        Which loss decides what best.safetensors holds [default: test-loss]
        - test-loss: Over the test samples (over the training samples where there are none)
        - train-loss: Over the training samples
    ema : float
        Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    swa : int
        Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    snapshots : str
        Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing
        distance
    probe : str
        Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's
        largest eigenvalue and trace and the gradient noise scale (its error bars from few probes
        are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
        the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the
        smallest step along the gradient, and along the optimizer's update, that does not lower the
        loss; learning-coefficient:N for the local learning coefficient
    probe_samples : int
        Probe the loss of the first N training samples only [default: all]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    bias : str
        Whether layers have biases: true or false (sets model.bias)
    norm : str
        Norm of the layers: a name from `losscape list norm` (sets model.norm) [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    depth : str
        Depth of a resnet (layers) or vgg (layers a stage) (sets model.depth)
    skip : str
        Whether a resnet has its ways around the blocks: true or false (sets model.skip)
    momentum : str
        Momentum of the optimizer (sets optimizer.momentum)
    nesterov : str
        Nesterov's look-ahead: true or false (sets optimizer.nesterov)
    weight_decay : str
        Weight decay of the optimizer (sets optimizer.weight-decay)
    label_smoothing : str
        Share of the target spread over all classes (sets loss.smoothing)
    model : str
        Network: a name from `losscape list model`, with settings after a colon
        (`mlp:hidden=[24,16]`) [default: mlp:hidden=[64,64,64,64]] [one of: mlp, cnn, vgg, resnet,
        linear, matrix-factorization, student, population-student, layers, exported]
    optimizer : str
        Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true) [default:
        sgd:momentum=0.0] [one of: sgd, gd, heavy-ball, nesterov, adagrad, adadelta, rmsprop, adam,
        adamw, nadam, amsgrad, lion, lbfgs]
    lr : float
        Learning rate [default: 0.15]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 8]
    epochs : int
        Passes over the training samples; 0 leaves the network as initialized [default: 10]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/instability]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape instability
          # five layers on digits in batches of 8, five seeds
      losscape instability --branch 0,10,100,1000 --seeds 10 --hidden 32,32
      losscape instability --data mnist1d --model cnn --norm batch \
          --epochs 10 --branch 0,50,200

    A network is trained to step k and goes on from there twice, with different noise, to the end:
    the order of the samples (what is left of the epoch too), their augmentation and the masks of
    dropout. One branch is the run as it goes on by itself, and is the same for every k. The barrier
    is the most by which loss and error on the straight line between both ends rise above the line
    between their values. Finished branches are kept as they come: the same command goes on after a
    stop, --fresh begins anew. The flags of training are those of `losscape train` without what ends
    it early, averages, keeps or probes.

    Writes instability.json (medians, quartiles, every seed; stable_from: the step from which on the
    median barrier of the training error is at most --stable), instability.npz (branch, seed, t;
    train_barrier, train_error_barrier, test_barrier, test_error_barrier, distance of shape
    (branches, seeds); train_loss, train_error, test_loss, test_error along the lines),
    instability.png and .svg.
    """
    return call("instability", COMMANDS["instability"], locals())


def list(
    sort: Optional[Setting] = None,
) -> Any:
    r"""Every activation, optimizer, data set, ... with one line each

    Parameters
    ----------
    sort : str
        Only one sort: data, model, layer, norm, activation, initializer, loss, optimizer, schedule,
        direction, normalization, curve, alignment, map, sharpness, sampler, shift, chart, analysis,
        recipe, settings, operator, flags

    Examples:
      losscape list
      losscape list activation
      losscape list operator
          # the operators of exported networks that are understood
      losscape list flags --json
          # every command with its flags, as the Python package is made from
      losscape list optimizer --json
    """
    return call("list", COMMANDS["list"], locals())


def lr_range(
    *,
    lr_min: Optional[float] = None,
    lr_max: Optional[float] = None,
    steps: Optional[int] = None,
    smoothing: Optional[float] = None,
    rule: Optional[Literal["steepest", "tenth"]] = None,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    init: Optional[Setting] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    batch_size: Optional[int] = None,
    workers: Optional[int] = None,
    epochs: Optional[int] = None,
    target_loss: Optional[float] = None,
    target_gradient: Optional[float] = None,
    clip: Optional[float] = None,
    clip_value: Optional[float] = None,
    sam: Optional[float] = None,
    best: Optional[Literal["test-loss", "train-loss"]] = None,
    ema: Optional[float] = None,
    swa: Optional[int] = None,
    snapshots: Optional[Setting] = None,
    probe: Optional[Setting] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    bias: Optional[Setting] = None,
    norm: Optional[Setting] = None,
    depth: Optional[Setting] = None,
    skip: Optional[Setting] = None,
    momentum: Optional[Setting] = None,
    nesterov: Optional[Setting] = None,
    weight_decay: Optional[Setting] = None,
    label_smoothing: Optional[Setting] = None,
    model: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""Learning-rate range test: loss against a growing rate, and a rate to train with

    Parameters
    ----------
    lr_min : float
        First rate [default: 0.0000001]
    lr_max : float
        Last rate, if the loss lasts so long [default: 10]
    steps : int
        Steps from the first to the last rate; 0 for one epoch [default: 100]
    smoothing : float
        Width of the smoothing: standard deviation of its weights, as a share of the steps [default:
        0.03]
    rule : str
        Which rate is suggested [default: steepest]
        - steepest: Where the smoothed loss falls fastest
        - tenth: A tenth of the rate at which the loss has blown up
    data : str
        Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
        [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial, quadratic,
        teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv,
        npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data; runs of different --seed share it [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    samples : int
        Train on the first N training samples only (they are in random order) [default: all]
    loss : str
        What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss
        is their mean) [one of: cross-entropy, squared-error, hinge, logistic, excess, huber,
        absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    init : str
        Initializer of the weights [default: he-normal; an exported network starts from the weights
        in its file] [one of: he-normal, he-uniform, lecun-normal, lecun-uniform, glorot-normal,
        glorot-uniform, geometric, orthogonal, delta-orthogonal, lsuv, fixup, naive, mean-field]
    optimizer : str
        Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true) [one of: sgd, gd,
        heavy-ball, nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs]
        [default: sgd]
    lr : float
        Learning rate [default: the optimizer's own]
    schedule : str
        Schedule of the learning rate, which changes at every step, with settings after a colon
        (step:every=10,gamma=0.5) [one of: constant, step, multi-step, exponential, linear,
        flat-linear, polynomial, cosine, sgdr, triangular, one-cycle] [default: constant]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of
        the first step [default: 0]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 64; all with a full-batch optimizer]
    workers : int
        Share each mini-batch out evenly among this many workers, as data-parallel training does:
        the gradient is the same, but norms see each worker's own samples [default: none, one batch]
    epochs : int
        Passes over the training samples; 0 leaves the network as initialized [default: 20]
    target_loss : float
        Stop at the end of an epoch whose training loss is at most this
    target_gradient : float
        Stop at the end of an epoch where the gradient over all training samples has at most this
        norm
    clip : float
        Scale gradients down to at most this norm, all parameters together
    clip_value : float
        Cut each coordinate of gradients off at plus and minus this value, before --clip
    sam : float
        Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05);
        0 for none [default: 0]
    best : str
        Which loss decides what best.safetensors holds [default: test-loss]
        - test-loss: Over the test samples (over the training samples where there are none)
        - train-loss: Over the training samples
    ema : float
        Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    swa : int
        Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    snapshots : str
        Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing
        distance
    probe : str
        Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's
        largest eigenvalue and trace and the gradient noise scale (its error bars from few probes
        are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
        the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the
        smallest step along the gradient, and along the optimizer's update, that does not lower the
        loss; learning-coefficient:N for the local learning coefficient
    probe_samples : int
        Probe the loss of the first N training samples only [default: all]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    bias : str
        Whether layers have biases: true or false (sets model.bias)
    norm : str
        Norm of the layers: a name from `losscape list norm` (sets model.norm) [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    depth : str
        Depth of a resnet (layers) or vgg (layers a stage) (sets model.depth)
    skip : str
        Whether a resnet has its ways around the blocks: true or false (sets model.skip)
    momentum : str
        Momentum of the optimizer (sets optimizer.momentum)
    nesterov : str
        Nesterov's look-ahead: true or false (sets optimizer.nesterov)
    weight_decay : str
        Weight decay of the optimizer (sets optimizer.weight-decay)
    label_smoothing : str
        Share of the target spread over all classes (sets loss.smoothing)
    model : str
        Network: a name from `losscape list model`, with settings after a colon
        (`mlp:hidden=[24,16]`) [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization,
        student, population-student, layers, exported] [default: mlp]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/lr-range]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape lr-range
          # the default network on handwritten digits
      losscape lr-range --hidden 64,64 --momentum 0 --lr-max 100 \
          --out out/plain-sgd
      losscape lr-range --steps 500 --rule tenth
          # more steps; a tenth of where the loss blows up

    Takes the flags of `losscape train`, except those that the test sets itself (rate, schedule,
    epochs). The rate grows by a constant ratio from --lr-min to --lr-max, one step a rate, and the
    test ends where the loss has blown up.

    Writes lr-range.json (the suggested rate and both rules), lr-range.npz (rate, loss,
    smoothed_loss), lr-range.png and .svg. A rule that finds no rate is exit code 3.
    """
    return call("lr-range", COMMANDS["lr-range"], locals())


def merge(
    parts: Paths,
    *,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Join the parts of long work (--shard) into one result

    Parameters
    ----------
    parts : one or a list
        Parts, or directories with parts in them
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: DIR, where one is given, else out/merge]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape slice --run runs/a --shard 0/3 --out out/big
          # on one machine, or in one job of three
      losscape slice --run runs/a --shard auto --out out/big
          # in an array of Slurm, or under mpirun
      losscape slice --run runs/a --shard auto/8 --out out/big
          # task 2 of 8 once more: sbatch --array=2
      losscape merge out/big
          # all parts in out/big/shard-*; the result beside them
      losscape run mine.toml --shard auto --out out/mine
          # the same with a recipe
      losscape merge out/mine
      losscape merge part-0 part-1 part-2 --out out/whole

    Parts are written side by side, DIR/shard-I-of-N each, at the same time, and no part waits for
    another. auto knows the arrays of Slurm, PBS, SGE, LSF, AWS Batch, HyperQueue and Kubernetes,
    and the ranks of srun, Open MPI, MPICH, Intel MPI and torchrun; ranks within the tasks of an
    array count as parts, too. A scheduler that does not say how many tasks there are takes auto/N,
    and so does a lost task that is submitted once more; auto/1-8 says that the tasks of the array
    are 1 to 8.

    The files are those of work that was done at once, to the byte. Parts of other settings, data or
    weights are refused, and what is missing is named. The parts stay where they are.
    """
    return call("merge", COMMANDS["merge"], locals())


def minima(
    *,
    points: Optional[int] = None,
    stats: Optional[Literal["refresh", "interpolate"]] = None,
    linkage: Optional[Literal["average", "single"]] = None,
    align: Optional[Setting] = None,
    neb: bool = False,
    neb_edges: Optional[int] = None,
    cka_samples: Optional[int] = None,
    labels: Optional[List_] = None,
    path_seed: Optional[int] = None,
    run: Optional[Network] = None,
    weights: Optional[Paths] = None,
    other_data: bool = False,
    count: Optional[int] = None,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    samples: Optional[int] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    init: Optional[Setting] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    batch_size: Optional[int] = None,
    workers: Optional[int] = None,
    epochs: Optional[int] = None,
    target_loss: Optional[float] = None,
    target_gradient: Optional[float] = None,
    clip: Optional[float] = None,
    clip_value: Optional[float] = None,
    sam: Optional[float] = None,
    best: Optional[Literal["test-loss", "train-loss"]] = None,
    ema: Optional[float] = None,
    swa: Optional[int] = None,
    snapshots: Optional[Setting] = None,
    probe: Optional[Setting] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    bias: Optional[Setting] = None,
    norm: Optional[Setting] = None,
    depth: Optional[Setting] = None,
    skip: Optional[Setting] = None,
    momentum: Optional[Setting] = None,
    nesterov: Optional[Setting] = None,
    weight_decay: Optional[Setting] = None,
    label_smoothing: Optional[Setting] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Barriers and distances between all pairs of many minima: matrices, groups, a spanning tree

    Parameters
    ----------
    points : int
        Points of the line between two minima, both among them [default: 31]
    stats : str
        Where statistics of batch norm come from on the line [default: refresh]
        - refresh: Made anew at every point, by a pass over the training samples
        - interpolate: Those of the two ends, moved along with the weights
    linkage : str
        How far groups of minima are from each other in the dendrogram [default: average]
        - average: The mean over all pairs with a member of each
        - single: The least over all pairs with a member of each
    align : str
        Permute the second network of every pair to match the first, by this alignment; groups, tree
        and bands are then those of aligned networks [one of: weights, activations,
        straight-through]
    neb : bool
        Also relax AutoNEB bands (Draxler et al. 2018), as the section band of the configuration
        says, and draw their tree [default: false]
    neb_edges : int
        Most bands [default: twice as many as a tree has edges]
    cka_samples : int
        Samples on which the layers of the networks are compared (CKA), the first ones; 0 for none
        [default: 500]
    labels : str or list
        What each network is called in tables and figures [default: its directory's name]
    path_seed : int
        Seed of alignments and of the bands' sample order [default: 0]
    run : one or a list
        Run directory, weight file or graph, three or more, or one graph that --weights are for
        [default: networks are trained]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    other_data : bool
        Take other samples with --data than the networks given with --run were trained on
    count : int
        Train this many networks, with --seed and the seeds after it [default: 6]
    data : str
        Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
        [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial, quadratic,
        teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv,
        npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data; runs of different --seed share it [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    samples : int
        Train on the first N training samples only (they are in random order) [default: all]
    model : str
        Network: a name from `losscape list model`, with settings after a colon
        (`mlp:hidden=[24,16]`) [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization,
        student, population-student, layers, exported] [default: mlp]
    loss : str
        What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss
        is their mean) [one of: cross-entropy, squared-error, hinge, logistic, excess, huber,
        absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    init : str
        Initializer of the weights [default: he-normal; an exported network starts from the weights
        in its file] [one of: he-normal, he-uniform, lecun-normal, lecun-uniform, glorot-normal,
        glorot-uniform, geometric, orthogonal, delta-orthogonal, lsuv, fixup, naive, mean-field]
    optimizer : str
        Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true) [one of: sgd, gd,
        heavy-ball, nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs]
        [default: sgd]
    lr : float
        Learning rate [default: the optimizer's own]
    schedule : str
        Schedule of the learning rate, which changes at every step, with settings after a colon
        (step:every=10,gamma=0.5) [one of: constant, step, multi-step, exponential, linear,
        flat-linear, polynomial, cosine, sgdr, triangular, one-cycle] [default: constant]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of
        the first step [default: 0]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 64; all with a full-batch optimizer]
    workers : int
        Share each mini-batch out evenly among this many workers, as data-parallel training does:
        the gradient is the same, but norms see each worker's own samples [default: none, one batch]
    epochs : int
        Passes over the training samples; 0 leaves the network as initialized [default: 20]
    target_loss : float
        Stop at the end of an epoch whose training loss is at most this
    target_gradient : float
        Stop at the end of an epoch where the gradient over all training samples has at most this
        norm
    clip : float
        Scale gradients down to at most this norm, all parameters together
    clip_value : float
        Cut each coordinate of gradients off at plus and minus this value, before --clip
    sam : float
        Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05);
        0 for none [default: 0]
    best : str
        Which loss decides what best.safetensors holds [default: test-loss]
        - test-loss: Over the test samples (over the training samples where there are none)
        - train-loss: Over the training samples
    ema : float
        Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    swa : int
        Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    snapshots : str
        Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing
        distance
    probe : str
        Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's
        largest eigenvalue and trace and the gradient noise scale (its error bars from few probes
        are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
        the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the
        smallest step along the gradient, and along the optimizer's update, that does not lower the
        loss; learning-coefficient:N for the local learning coefficient
    probe_samples : int
        Probe the loss of the first N training samples only [default: all]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    bias : str
        Whether layers have biases: true or false (sets model.bias)
    norm : str
        Norm of the layers: a name from `losscape list norm` (sets model.norm) [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    depth : str
        Depth of a resnet (layers) or vgg (layers a stage) (sets model.depth)
    skip : str
        Whether a resnet has its ways around the blocks: true or false (sets model.skip)
    momentum : str
        Momentum of the optimizer (sets optimizer.momentum)
    nesterov : str
        Nesterov's look-ahead: true or false (sets optimizer.nesterov)
    weight_decay : str
        Weight decay of the optimizer (sets optimizer.weight-decay)
    label_smoothing : str
        Share of the target spread over all classes (sets loss.smoothing)
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/minima]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape minima
          # six seeds of the default network
      losscape minima --count 10 --hidden 64,64 --epochs 40 --seed 1
      losscape minima --run runs/a --run runs/b --run runs/c --run runs/d \
          --out out/four
      losscape minima --align weights
          # every pair's hidden units brought into one order first
      losscape minima --neb --out out/bands
          # AutoNEB bands, and the tree of their saddles

    Without --run, networks are trained first, one a seed, into DIR/seed-N, as `losscape train
    --seeds` does; the flags are those of train. Runs that are there are kept, and so are finished
    pairs: the same command goes on after a stop.

    The barrier of a pair is the most by which loss or error on the straight line between its
    networks rises above the line between their values. Networks that differ in the order of their
    units alone have a barrier too; --align takes that away.

    With --neb, bands are relaxed between pairs one after the other (Draxler et al. 2018): first
    until all minima are joined, then to replace the highest edge of their minimum spanning tree.
    The section [band] of the configuration has their settings.

    Writes minima.json (networks, medians over pairs, merges, tree, barcode, predictions,
    similarity), minima.npz (train_barrier, train_error_barrier, test_barrier, test_error_barrier,
    distance of shape (n, n); t, pair, and train_loss, train_error, test_loss, test_error of shape
    (pairs, t); linkage as SciPy has it; tree; place; barcode, a row of minimum, birth, death and
    older minimum each; prediction_distance, disagreement, cka of shape (layers, n, n)), and
    pictures: barriers, distances, dendrogram, tree, disconnectivity, map, predictions, similarity,
    similarity-layers. With --align the same arrays as aligned_..., moved, and a picture: aligned.
    With --neb band, band_saddle, band_train_loss, ..., band_tree, bottleneck and line_highest (the
    highest loss between any two, along bands and straight lines), a file band-I-J.safetensors a
    band, and pictures: saddles, bands.
    """
    return call("minima", COMMANDS["minima"], locals())


def plot(
    result: Text,
    *,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
) -> Result:
    r"""Draw a saved result again, in another style

    Parameters
    ----------
    result : path
        Result or run directory
    config : path
        TOML file with the same keys as the flags, which override it
    out : path
        Where the pictures go [default: over the old ones]
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    cmap : str
        Colour map of values [default: viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    log : str
        Logarithmic values (or not: --log=false); left out, the data decide
        - true
        - false
    vmin : float
        Lowest value of the colour scale; lower ones are clipped
    vmax : float
        Highest value of the colour scale; higher ones are clipped
    levels : int
        About how many contour lines [default: 12]
    azimuth : float
        Where a surface is seen from: degrees around the vertical [default: -60]
    elevation : float
        Where a surface is seen from: degrees above the horizon [default: 32]
    theme : str
        Light or dark page [default: light]
        - light: Dark ink on white, for papers
        - dark: Light ink on near-black, for slides
    dpi : int
        Pixels per inch of PNG files [default: 200]
    format : str or list
        Kinds of files, separated by commas; tex is a PDF without text and the .pdf_tex file by
        which LaTeX sets it [default: png,svg]
        - png: Pixels
        - svg: Vector graphics for the web and for editing
        - pdf: Vector graphics for papers, fonts embedded
        - tex: A PDF without text and the text as LaTeX: \\input the .pdf_tex file
    html : bool
        Write a page too, COMMAND.html: surfaces that turn, maps, cuts and tables, in one file that
        needs no network
    width : str
        Width of a figure: column (3.25 in), text (5.5), page (6.75), slide (10) or inches; text
        keeps its size
    font_size : float
        Size of tick labels, legends and subtitles in points; everything else goes with it [default:
        8]
    title : str
        Title in the place of the figure's own
    subtitle : str
        Second line in the place of the figure's own
    no_title : bool
        Neither title nor second line: a paper has its caption
    transparent : bool
        No page behind the figure
    center : float
        Value in the middle of a diverging colour map, which reaches as far to both sides
    raster : bool
        Surfaces in PDF files as one image of --dpi instead of thousands of patches
    animate : bool
        Write moving pictures too, NAME-moving.png: surfaces turn, paths grow (animated PNG, at most
        100 dpi)

    Examples:
      losscape plot out/slice --cmap magma --log
      losscape plot out/slice --vmax 5 --levels 20 --azimuth 30 \
          --elevation 50
      losscape plot out/slice --format pdf --width column --no-title \
          --out paper
      losscape plot out/slice --animate
      losscape plot out/slice --html               a page with a surface to turn
      losscape plot runs/a --theme dark --dpi 300 --out out/for-the-talk
    """
    return call("plot", COMMANDS["plot"], locals())


def propagate(
    *,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    init: Optional[Union[Setting, Sequence[Setting]]] = None,
    norm: Optional[Union[Setting, Sequence[Setting]]] = None,
    seeds: Optional[int] = None,
    jacobian_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    memory: Optional[float] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    model: Optional[Network] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""Second moments, gradients, dead units and Jacobians by depth, for a set of initializers and norms

    Parameters
    ----------
    data : str
        Data set: a name from `losscape list data`, with settings after a colon [one of: digits,
        spirals, blobs, moons, circles, mnist1d, polynomial, quadratic, teacher-student,
        gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv, npz, npy, images,
        text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    samples : int
        Training samples that are sent through [default: 512, or all if there are fewer]
    loss : str
        The loss whose gradients are sent back [one of: cross-entropy, squared-error, hinge,
        logistic, excess, huber, absolute-error, poisson, mean-squared-error] [default:
        cross-entropy]
    init : one or a list
        An initializer to try; give the flag once for each [one of: he-normal, he-uniform,
        lecun-normal, lecun-uniform, glorot-normal, glorot-uniform, geometric, orthogonal,
        delta-orthogonal, lsuv, fixup, naive, mean-field] [default:
        lecun-normal,glorot-normal,he-normal,geometric:c=4.0,orthogonal,lsuv]
    norm : one or a list
        A norm to try; give the flag once for each [default: the network's own] [one of: none,
        batch, layer, instance, group, switchable, weight, spectral]
    seeds : int
        Draws of each initializer [default: 3]
    jacobian_samples : int
        Samples at which the input-output Jacobian is taken; 0 for none [default: 2]
    seed : int
        Seed of the first draw [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    memory : float
        Memory that the signals of all layers may take, in GiB [default: 4]
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    model : str
        Network: a name from `losscape list model`, with settings after a colon [one of: mlp, cnn,
        vgg, resnet, linear, matrix-factorization, student, population-student, layers, exported]
        [default:
        mlp:hidden=[128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128]]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/propagate]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape propagate
          # 30 layers of 128 ReLU units, six initializers
      losscape propagate --activation tanh --init glorot-normal \
          --init he-normal --init orthogonal
      losscape propagate --model resnet:depth=20 --norm none --norm batch \
          --samples 64 --init he-normal
      losscape propagate --hidden 64,64,64,64 --norm none --norm layer \
          --norm batch --out out/norms

    Writes propagate.json (slopes of log2 of the second moments by layer, the range of deviations),
    propagate.npz (each measure, shape (variants, seeds, layers)), and pictures: propagate,
    jacobian.
    """
    return call("propagate", COMMANDS["propagate"], locals())


def recipe(
    name: Setting,
) -> str:
    r"""Print a recipe or a settings file that is built in, to be copied and changed

    Parameters
    ----------
    name : str
        Name of a recipe (losscape list recipe) or of a command's settings (losscape list settings)

    Examples:
      losscape recipe permutations > mine.toml
          # a recipe; then losscape run mine.toml
      losscape recipe slice > slice.toml
          # settings; then losscape slice --config slice.toml
      losscape list recipe                         what recipes there are
      losscape list settings                       what settings files there are
    """
    return call("recipe", COMMANDS["recipe"], locals())


def run(
    recipe: Paths,
    *,
    set: Optional[Union[Setting, Sequence[Setting]]] = None,
    seeds: Optional[int] = None,
    quick: bool = False,
    scale: Optional[Setting] = None,
    plan: bool = False,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Run a recipe: what is claimed, tried case by case, with figures, a table and a verdict

    Parameters
    ----------
    recipe : one or a list
        Name or TOML file of a recipe; of several, each goes into its own directory below --out
    set : one or a list
        Another value for a setting of every case; may be repeated
    seeds : int
        Seeds of each case [default: the recipe's]
    quick : bool
        At smoke scale: everything once, small; the same as --scale quick [default: false]
    scale : str
        At one of the recipe's own scales
    plan : bool
        Say what would be computed, and how long it would take, and stop [default: false]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/run]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape run permutations
          # a recipe by name (losscape list recipe)
      losscape run permutations --quick
          # everything once, at smoke scale, in seconds
      losscape run permutations --seeds 8 --out out/eight
      losscape run analyses/*.toml --out out/gallery
          # every claim, one after the other
      losscape recipe permutations > mine.toml     a copy, to be changed
      losscape run mine.toml --set train.epochs=50 \
          --set train.model.activation=tanh
      losscape run mine.toml --plan
          # the cases and the predicted time, nothing computed
      losscape run mine.toml --shard 0/2
          # half of the cases; then losscape merge out/run

    A recipe is a TOML file, or the name of one that is built in; analyses/README.md says what can
    stand in it. Every finished case is kept in DIR/cases: the same command goes on after a stop,
    and a changed recipe computes only what it changes.

    Writes study.json (cases summed up, effects with intervals, the verdict), study.csv (a row a
    case and seed), study.npz (each measure, shape (axes..., seeds)), figures.json, and the recipe's
    pictures. Exit code 3 where the claim does not hold or is undecided; at smoke scale nothing is
    judged.
    """
    return call("run", COMMANDS["run"], locals())


def sharpness(
    *,
    quick: bool = False,
    full: bool = False,
    compute: Optional[List_] = None,
    operator: Optional[Literal["hessian", "gauss-newton", "fisher", "empirical-fisher"]] = None,
    draws: Optional[int] = None,
    layer: Optional[List_] = None,
    role: Optional[List_] = None,
    block: Optional[List_] = None,
    weight_decay: Optional[float] = None,
    top: Optional[int] = None,
    exact: Optional[int] = None,
    bottom: Optional[int] = None,
    tolerance: Optional[float] = None,
    steps: Optional[int] = None,
    delta: Optional[float] = None,
    epsilon: Optional[float] = None,
    allow_unconverged: bool = False,
    vectors: bool = False,
    probes: Optional[int] = None,
    density_steps: Optional[int] = None,
    density_probes: Optional[int] = None,
    eps: Optional[float] = None,
    measures: Optional[List_] = None,
    columns: Optional[Literal["both", "raw-spectrum", "raw", "invariant"]] = None,
    sampler: Optional[Setting] = None,
    shifts: Optional[List_] = None,
    shift_range: Optional[Range] = None,
    noise_batch: Optional[int] = None,
    labels: Optional[List_] = None,
    stats: Optional[Literal["running", "batch", "refresh"]] = None,
    stat_batch: Optional[Setting] = None,
    samples: Optional[int] = None,
    test_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    memory: Optional[float] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""How sharp a minimum is: certified eigenvalues, trace, density, and the measures beyond

    Parameters
    ----------
    quick : bool
        Answer in about ten seconds: the outermost eigenvalues and the trace, of as many samples and
        as closely as that allows; says what it left out [default: false]
    full : bool
        Compute everything but the learning coefficient [default: false]
    compute : str or list
        What to compute, separated by commas [default: eigenvalues, trace, density, noise, measures]
        - eigenvalues: Largest and smallest eigenvalues by Lanczos, certified; overlap of the
        gradient with the largest
        - power: The largest eigenvalues by power iteration too, as a cross-check
        - trace: Trace (of large operators Hutchinson's estimate)
        - norms: Trace (of large operators by Hutch++), Frobenius norm, diagonal
        - density: Spectral density, over lambda and over its logarithm (of large operators by
        stochastic Lanczos quadrature, whose share of negative eigenvalues is off by more than its
        error where many are near zero)
        - log-determinant: Log-determinant of the Gauss-Newton matrix + eps I, and its effective
        dimension
        - matrices: The largest eigenvalue and the trace of all four matrices
        - noise: Gradient noise scale, of the samples as a draw from an infinite population
        - measures: The measures beyond eigenvalues (--measures)
        - learning-coefficient: The local learning coefficient, from chains (--sampler): some
        thousand gradients
        - shift: Loss along one direction on training, test and shifted test samples (--shifts)
    operator : str
        Which matrix [default: hessian]
        - hessian: Second derivatives of the mean loss
        - gauss-newton: J' H J, J the Jacobian of the outputs, H the loss's Hessian in them
        - fisher: Expectation of g g' over targets from the network's own distribution: of
        cross-entropy, logistic loss and squared error the Gauss-Newton matrix, exactly; sampled
        with --draws
        - empirical-fisher: Mean of g g' over the samples, g the gradient of a sample's loss
    draws : int
        Sample the true Fisher matrix, with so many targets drawn a sample, and say how it differs
        from draw to draw [default: exact, the Gauss-Newton matrix of the losses that have one]
    layer : str or list
        Only parameters whose names begin so (`0` or `blocks.1.conv1`), separated by commas
        [default: all]
    role : str or list
        Only parameters of these roles, separated by commas [default: all]
        - weight: Multiplies inputs; one of its axes counts the outputs (neurons, filters, tokens),
        see [`Parameter::axis`]
        - bias: Is added to outputs
        - norm-scale: Multiplies normalised values (gamma), a filter's direction (g of weight norm)
        or a branch
        - norm-shift: Is added to normalised values (beta)
        - mixture: Weighs the statistics that a switchable norm mixes
    block : str or list
        Blocks of the curvature too, each with its largest and smallest eigenvalue, trace and
        density as --compute says: one for each `layer`, `role`, `tensor` or `head`, or all names
        that are like a pattern (`blocks.0.*`), separated by commas
    weight_decay : float
        Add this to the diagonal: the curvature of weight decay [default: 0]
    top : int
        How many of the largest eigenvalues [default: as many as outputs; 1 with --quick]
    exact : int
        Largest operator that is written out as a matrix, of whose spectrum nothing is then sampled;
        0: none [default: 2000]
    bottom : int
        How many of the smallest eigenvalues [default: 1; 0 with --quick where time is short]
    tolerance : float
        Largest residual of a converged eigenvalue, as a share of the largest magnitude [default:
        0.001; 0.01 with --quick where time is short]
    steps : int
        Most Lanczos steps [default: 400]
    delta : float
        Probability, for each end of the spectrum, that a certificate is wrong [default: 0.001]
    epsilon : float
        By how much of the spread a certified eigenvalue may be off [default: 0.01; 0.1 with --quick
        where time is short]
    allow_unconverged : bool
        Exit with 0 also where an eigenvalue or a chain did not converge [default: false]
    vectors : bool
        Save eigenvectors, in sharpness.npz and as weight-shaped tensors in eigenvectors.safetensors
        [default: false]
    probes : int
        Random probes of traces [default: 30; 10 or 8 with --quick]; intervals are Student's, and of
        few probes much wider than two standard errors
    density_steps : int
        Lanczos steps of a density [default: 80]
    density_probes : int
        Random starts of a density (its kernel moves mass across zero, which biases the negative
        mass) [default: 4]
    eps : float
        eps of the log-determinant and the effective dimension [default: 0.001]
    measures : str or list
        The measures beyond eigenvalues, separated by commas [one of: sam, worst-case, average-case,
        pac-bayes, basin-radius, fisher-rao, relative-flatness, keskar, critical-sharpness]
        [default:
        sam,worst-case,average-case,pac-bayes,basin-radius,fisher-rao,relative-flatness,keskar,critical-sharpness]
    columns : str
        Raw and rescaling-invariant numbers, or one kind alone [default: both; raw-spectrum where
        the twin of the spectrum takes more than about a minute, raw with --quick where time is
        short]
        - both: Raw and rescaling-invariant, side by side
        - raw-spectrum: Both of the measures, and of the spectrum raw alone, whose invariant twin
        takes its products again: the default where that takes more than about a minute
        - raw: Raw alone: comparing networks by it means little (Dinh 2017)
        - invariant: Rescaling-invariant alone
    sampler : str
        What draws the chains of the learning coefficient [one of: mala] [default: mala]
    shifts : str or list
        How test samples are shifted, separated by commas [default: noise, blur, labels, as far as
        the data have such] [one of: noise, blur, labels, imbalance]
    shift_range : str or tuple
        Points along the direction through the minimum, as min:max:n [default: -1:1:41]
    noise_batch : int
        Samples in the smaller batches of the gradient noise scale, which takes the data as an
        infinite population [default: the training batch]
    labels : str or list
        What each --run is called in tables and figures [default: its directory's name]
    stats : str
        Statistics of batch norm and its kin: running or batch [default: running, where the network
        has such]
        - running: The running ones of training, the same at every point
        - batch: Those of groups of the samples themselves
        - refresh: Running ones recomputed at every point, by a pass over the training samples in
        groups; singular vectors of spectral norm renewed
    stat_batch : str
        Samples in a group that shares statistics, with --stats batch: a number, or `all` [default:
        the training batch]
    samples : int
        The first N training samples only (they are in random order) [default: all]
    test_samples : int
        The first N test samples only, for the loss at the minimum [default: all]
    seed : int
        Seed of random starts, probes and directions [default: 0]
    precision : str
        Element type of products [default: the one that the network was trained in]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    memory : float
        Memory for values that are kept instead of computed again, in GiB; half of it for Lanczos
        vectors: where they are more, the recurrence restarts from its outermost ones [default: 4]
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated
        [default: runs/default, trained first if it is not there]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/sharpness]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape sharpness
          # the default network, trained if need be
      losscape sharpness --run runs/a --quick
          # the outermost eigenvalues and the trace, in ten seconds
      losscape sharpness --run runs/a --full --out out/all
          # everything
      losscape sharpness --run runs/a --run runs/b
          # two networks in one table and picture
      losscape sharpness --run runs/a --block layer
          # each layer's block of the Hessian
      losscape sharpness --run runs/a --block layer --shard 0/8
          # a part of the pieces: blocks, probes of densities, measures
      losscape sharpness --run runs/a --operator gauss-newton --top 20 \
          --vectors
      losscape sharpness --run runs/a --layer 0,2 --role weight
          # a part of the parameters
      losscape sharpness --run runs/a --compute measures \
          --measures sam:rho=0.1,worst-case
      losscape sharpness --run runs/a --compute learning-coefficient
          # by four chains, with R-hat and an interval
      losscape sharpness --run runs/cnn --stats batch --stat-batch 128 \
          --samples 1000
      losscape sharpness --run runs/a --precision f64 --tolerance 1e-8 \
          --json

    Eigenvalues are certified: converged, and after so many Lanczos steps from a random start that
    but for a probability of --delta none is passed over by more than --epsilon of the spread (van
    Dorsselaer et al. 2000). One that did not converge ends with exit code 3, and so do chains of a
    learning coefficient that do not agree.

    Operators of up to --exact parameters are written out: their eigenvalues, trace, norms and
    density are exact. An error behind ± is a standard error; the table says over what.

    Finished parts and products are kept: the same command goes on after a stop, also with another
    --top, --epsilon or --tolerance; --fresh begins anew. The progress line shows the eigenvalues as
    they are known by then.

    Raw numbers change when a layer is multiplied and the next divided by the same factor, which
    leaves the function alone; rescaling-invariant ones stand beside them.

    Writes sharpness.json (every number), sharpness.npz (eigenvalues, density_x, density_y, ...),
    and pictures: density, learning-coefficient, and comparison of several networks.
    """
    return call("sharpness", COMMANDS["sharpness"], locals())


def simplex(
    *,
    connectors: Optional[int] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    epochs: Optional[int] = None,
    batch_size: Optional[int] = None,
    weight_decay: Optional[float] = None,
    clip: Optional[float] = None,
    volume: Optional[float] = None,
    points: Optional[int] = None,
    members: Optional[int] = None,
    plane: Optional[int] = None,
    samples: Optional[int] = None,
    seed: Optional[int] = None,
    labels: Optional[List_] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    memory: Optional[float] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Minima joined by simplexes that are trained to stay low, and ensembles of points drawn from them

    Parameters
    ----------
    connectors : int
        Connecting points: one makes a star of segments, two triangles with a common edge, and so on
        [default: 1]
    optimizer : str
        Optimizer, with settings after a colon (adam:beta1=0.8) [one of: sgd, gd, heavy-ball,
        nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs] [default:
        sgd]
    lr : float
        Learning rate [default: twice the optimizer's own]
    schedule : str
        Schedule of the learning rate, with settings after a colon (step:every=10,gamma=0.5) [one
        of: constant, step, multi-step, exponential, linear, flat-linear, polynomial, cosine, sgdr,
        triangular, one-cycle] [default: flat-linear]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero [default: 0]
    epochs : int
        Passes over the training samples; 0 leaves the control points where they start [default:
        100]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 64; all with a full-batch optimizer]
    weight_decay : float
        Pull of the network on the way towards zero, added to its gradient per unit of its weights
        [default: 0]
    clip : float
        Scale gradients down to at most this norm, all parameters together
    volume : float
        Weight lambda of the logarithm of the complex's volume, which is made large beside the loss;
        0 for none [default: 0.00000001]
    points : int
        Random points of each simplex of the complex, and of the flat one [default: 100]
    members : int
        Points of the complex that predict together; at most as many as there are [default: 25]
    plane : int
        Points a side of the planes; 0 for no planes [default: 25]
    samples : int
        Train and evaluate on the first N training samples only (they are in random order) [default:
        all]
    seed : int
        Seed of the training of the connecting points, and of the random points [default: 0]
    labels : str or list
        What each --run is called in tables and figures [default: its directory's name]
    precision : str
        Element type [default: the one that the networks were trained in]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    memory : float
        Memory for values that are kept instead of computed again, in GiB [default: 4]
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory or weight file, two to eight [default: runs/default, runs/default-1,
        runs/default-2, trained first if need be]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/simplex]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape simplex
          # three seeds of the default network, trained if need be
      losscape simplex --run runs/a --run runs/b --run runs/c --out out/abc
      losscape simplex --connectors 2 --volume 0.001
          # triangles with a common edge, pushed apart
      losscape simplex --run runs/a --run runs/b --connectors 3 --epochs 200 \
          --lr 0.05
      losscape slice --run out/simplex/connector-1.safetensors
          # a connecting point is a run like any other

    Each minimum spans a simplex with all connecting points (Benton et al. 2021): one makes a star
    of segments, two make triangles with a common edge. A mini-batch pulls the connecting points
    down at one random point of one random simplex; --volume pushes them apart. Beside this complex
    stands the flat simplex of the minima alone. Statistics of batch norm are recomputed at every
    point that is evaluated.

    What is unfinished is kept: the same command goes on after a stop, --fresh begins anew.

    Writes simplex.json (minima, connectors, flat, complex: mean and largest losses and errors,
    volumes; ensembles), simplex.npz (vertex_train_loss, ... of minima and connecting points;
    flat_train_loss, complex_train_loss, ... and the shares of the points;
    ensemble_minima_test_error, ensemble_complex_test_error by number of members; distance of shape
    (n, n)), connector-1.safetensors and so on, and pictures: triangle, connector, losses,
    ensembles, training.
    """
    return call("simplex", COMMANDS["simplex"], locals())


def slice(
    *,
    x: Optional[Range] = None,
    y: Optional[Range] = None,
    z: Optional[Range] = None,
    line: bool = False,
    directions: Optional[Setting] = None,
    normalize: Optional[Setting] = None,
    biases: bool = False,
    norms: bool = False,
    orthogonal: bool = False,
    repeat: Optional[Setting] = None,
    most: Optional[int] = None,
    typical: bool = False,
    labels: Optional[List_] = None,
    maps: Optional[List_] = None,
    adaptive: Optional[Union[bool, str, float]] = None,
    stats: Optional[Literal["running", "batch", "refresh"]] = None,
    stat_batch: Optional[Setting] = None,
    samples: Optional[int] = None,
    test_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    vtk: bool = False,
    memory: Optional[float] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Loss and accuracy over a plane through a trained network

    Parameters
    ----------
    x : str or tuple
        Points along the first direction, as min:max:n, or n alone [default: -1:1:51, or what the
        directions show]
    y : str or tuple
        Points along the second direction [default: as --x]
    z : str or tuple
        Points along a third direction, for a volume
    line : bool
        Go along the first direction only [default: false]
    directions : str
        Where the directions come from [one of: gaussian, gradient, eigenvectors, through,
        trajectory, file] [default: gaussian]
    normalize : str
        What a step of length 1 means [default: filter for random directions, none for others] [one
        of: filter, layer, weight, none]
    biases : bool
        Let biases move too, each along itself; they stand still otherwise [default: false]
    norms : bool
        Let scales and shifts of norms move too, each along itself; they stand still otherwise
        [default: false]
    orthogonal : bool
        Make each direction orthogonal to those before, after normalisation [default: false]
    repeat : str
        Number of draws, with this seed and those after it, side by side; or until=SHARE: until the
        band of the median loss along the radius is narrower than this share of its range [default:
        1]
    most : int
        Most draws of --repeat until=SHARE; more are exit code 3 [default: 50]
    typical : bool
        Also say whether the directions are typical: the curvature along each, and the trace, the
        ends and the negative eigenvalues of the Hessian in the same scale (some hundred products
        with it for each network) [default: false]
    labels : str or list
        What each --run is called in figures [default: its directory's name]
    maps : str or list
        What to map beside loss and accuracy: kinds separated by commas [one of: gap, curvature,
        gradient-norm, spectrum]
    adaptive : float
        Evaluate coarsely first and refine where interpolation errs by more than this share of the
        range
    stats : str
        Statistics of batch norm and its kin, and singular vectors of spectral norm: as training
        left them (running), of the samples at hand (batch, which keeps the vectors), or recomputed
        at every point (refresh) [default: running]
        - running: The running ones of training, the same at every point
        - batch: Those of groups of the samples themselves
        - refresh: Running ones recomputed at every point, by a pass over the training samples in
        groups; singular vectors of spectral norm renewed
    stat_batch : str
        Samples in a group that shares statistics, with --stats batch or refresh: a number, or `all`
        [default: the training batch]
    samples : int
        Evaluate on the first N training samples only (they are in random order), with standard
        errors [default: all]
    test_samples : int
        Evaluate on the first N test samples only; 0 for none [default: all]
    seed : int
        Seed of the directions [default: 0]
    precision : str
        Element type [default: the one that the network was trained in]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    vtk : bool
        Write slice.vti, and slice.vtp for a plane, for ParaView; a volume is always written
        [default: false]
    memory : float
        Memory for values that are kept instead of computed again, in GiB [default: 4]
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated
        [default: runs/default, trained first if it is not there]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/slice]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape slice
          # train the default network if need be, and draw it
      losscape slice --run runs/a --x=-2:2:101 --y=-1:1:51 --out out/wide
      losscape slice --run runs/a --normalize layer --repeat 4 --x 25
          # four draws side by side
      losscape slice --run runs/a --run runs/b --labels plain,residual
          # two networks on one colour scale
      losscape slice --run runs/a --line --repeat 10
          # ten lines, with their band
      losscape slice --run runs/a --line --repeat until=0.1 --most 100
          # draws until their median is known
      losscape slice --run runs/a --x 15 --repeat 20 --typical
          # what twenty planes hide of the Hessian
      losscape slice --run runs/a --directions through:b=runs/b --line
          # from one minimum to another
      losscape slice --run runs/a --directions through:b=runs/b,c=runs/c
          # the plane of three
      losscape slice --run runs/a --directions trajectory
          # the trajectory of each run (train --snapshots), in one plane
      losscape slice --run runs/a --directions eigenvectors \
          --maps curvature,gradient-norm
      losscape slice --run runs/a --adaptive --samples 500
          # fewer points, fewer samples
      losscape slice --run runs/a --z=-1:1:11
          # a volume, as array and for ParaView
      losscape slice --run runs/a --shard 0/3 --out out/big
          # a third of the points; then losscape merge
      losscape slice --config slice
          # the same keys as the flags, [train] for the network

    Finished points are kept as they come: the same command goes on after a stop, --fresh begins
    anew.

    Writes slice.json (scalars and settings), slice.npz (x, y, train_loss, train_accuracy,
    test_loss, test_accuracy and further maps; row j is y[j]; several views along a first axis),
    directions.safetensors, and pictures: contour, surface, contour-test, accuracy and one a map;
    line, line-twin; volume; draws, of --repeat until.
    """
    return call("slice", COMMANDS["slice"], locals())


def smoothness(
    *,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    loss: Optional[Any] = None,
    norm: Optional[Union[Setting, Sequence[Setting]]] = None,
    init: Optional[Union[Setting, Sequence[Setting]]] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    batch_size: Optional[int] = None,
    steps: Optional[int] = None,
    every: Optional[int] = None,
    eta: Optional[Range] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    model: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""How smooth the loss is along training, with one norm and another (Santurkar et al. 2018)

    Parameters
    ----------
    data : str
        Data set: a name from `losscape list data`, with settings after a colon [one of: digits,
        spirals, blobs, moons, circles, mnist1d, polynomial, quadratic, teacher-student,
        gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv, npz, npy, images,
        text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    loss : str
        What training minimises [one of: cross-entropy, squared-error, hinge, logistic, excess,
        huber, absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    norm : one or a list
        A norm to try; give the flag once for each [default: none and batch] [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    init : one or a list
        An initializer to try; give the flag once for each [one of: he-normal, he-uniform,
        lecun-normal, lecun-uniform, glorot-normal, glorot-uniform, geometric, orthogonal,
        delta-orthogonal, lsuv, fixup, naive, mean-field] [default: he-normal]
    optimizer : str
        Optimizer, with settings after a colon [one of: sgd, gd, heavy-ball, nesterov, adagrad,
        adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs] [default: sgd:momentum=0.0]
    lr : float
        Learning rate [default: 0.03]
    batch_size : int
        Samples in a mini-batch [default: 64; all with a full-batch optimizer]
    steps : int
        Steps of training [default: 300]
    every : int
        Steps between two points that are probed [default: 12]
    eta : str or tuple
        Steps eta along the gradient, as min:max:n [default: 0.03:0.3:10]
    probe_samples : int
        Training samples in the batch that is probed [default: 512, or all if there are fewer]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    model : str
        Network: a name from `losscape list model`, with settings after a colon [one of: mlp, cnn,
        vgg, resnet, linear, matrix-factorization, student, population-student, layers, exported]
        [default: mlp:hidden=[64,64,64,64,64,64,64,64,64,64,64,64]]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/smoothness]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape smoothness
          # 12 layers of 64 units, without norm and with batch norm
      losscape smoothness --norm none --norm layer --norm weight --lr 0.01
      losscape smoothness --model cnn --norm none --norm batch --norm group \
          --steps 100 --every 5

    A variant whose training diverges is kept as far as it went, and says so in its status. Writes
    smoothness.json (median and maximum of each measure), smoothness.npz (shape (variants, probes)),
    smoothness.png and .svg.
    """
    return call("smoothness", COMMANDS["smoothness"], locals())


def submit(
    words: Union[Setting, Sequence[Setting]],
    *,
    slurm: bool = False,
    parts: Optional[int] = None,
    cpus: Optional[int] = None,
    time: Optional[Setting] = None,
    option: Optional[Union[Setting, Sequence[Setting]]] = None,
    run: Optional[Network] = None,
) -> str:
    r"""Write the scripts that compute a command in parts on a cluster, and join them

    Parameters
    ----------
    slurm : bool
        For Slurm: an array of jobs, and one that depends on it
    parts : int
        How many parts the work is cut into, a task of the array each [default: 8]
    cpus : int
        Processors of a task, and threads of the program in it [default: 1]
    time : str
        Longest time of a task, as sbatch takes it [default: that of the partition]
    option : one or a list
        Another option for both jobs, as sbatch takes it; may be repeated
    run : bool
        Submit the jobs with sbatch
    words : one or a list
        A command that takes --shard, with its flags

    Examples:
      losscape submit --slurm --parts 16 slice --run runs/a --x 201 \
          --out out/big
      losscape submit --slurm --parts 8 --cpus 4 --time 2:00:00 \
          --run run width --out out/width
      losscape submit --slurm --parts 8 --option=--partition=long \
          --option=--mem=8G run mine.toml

    Writes array.sbatch and merge.sbatch into the --out of the command, and says how they are
    submitted; --run submits them. A task that was lost is made again by its number: sbatch
    --array=3 DIR/array.sbatch. docs/cluster.md has examples for other schedulers, and for machines
    without any.
    """
    return call("submit", COMMANDS["submit"], locals())


def ticket(
    *,
    prune: Optional[float] = None,
    scope: Optional[Literal["layer", "global"]] = None,
    rounds: Optional[int] = None,
    rewind: Optional[int] = None,
    controls: Optional[Literal["both", "reinit", "random-mask", "none"]] = None,
    stability: Optional[Literal["true", "false"]] = None,
    seeds: Optional[int] = None,
    points: Optional[int] = None,
    stats: Optional[Literal["refresh", "interpolate"]] = None,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    workers: Optional[int] = None,
    target_loss: Optional[float] = None,
    target_gradient: Optional[float] = None,
    clip: Optional[float] = None,
    clip_value: Optional[float] = None,
    sam: Optional[float] = None,
    best: Optional[Literal["test-loss", "train-loss"]] = None,
    ema: Optional[float] = None,
    swa: Optional[int] = None,
    snapshots: Optional[Setting] = None,
    probe: Optional[Setting] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    bias: Optional[Setting] = None,
    norm: Optional[Setting] = None,
    depth: Optional[Setting] = None,
    skip: Optional[Setting] = None,
    momentum: Optional[Setting] = None,
    nesterov: Optional[Setting] = None,
    weight_decay: Optional[Setting] = None,
    label_smoothing: Optional[Setting] = None,
    model: Optional[Network] = None,
    init: Optional[Setting] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    batch_size: Optional[int] = None,
    epochs: Optional[int] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""Lottery tickets: prune, go back, train again, against controls (Frankle and Carbin 2019)

    Parameters
    ----------
    prune : float
        Share of the weights left that each level prunes; of the output layer half of it [default:
        0.2]
    scope : str
        Among which weights the smallest are pruned [default: layer]
        - layer: In each layer by itself: all hidden layers lose the same share
        - global: In all hidden layers together; the output layer still by itself
    rounds : int
        Rounds of pruning and training after the dense network; a level each [default: 14]
    rewind : int
        Step whose weights tickets start from; 0 is the initialization [default: 0]
    controls : str
        What tickets are compared with [default: both]
        - both: Both of the others
        - reinit: The same masks from other initial weights
        - random-mask: Random masks from the same weights
        - none: Nothing
    stability : str
        Whether every ticket is trained in a second order too, for the barrier between both ends:
        true or false [default: true, where something is random in steps]
        - true
        - false
    seeds : int
        Dense networks to start from, with --seed and the seeds after it [default: 3]
    points : int
        Points of the line between two ends, both among them [default: 31]
    stats : str
        Where statistics of batch norm come from on the line [default: refresh]
        - refresh: Made anew at every point, by a pass over the training samples
        - interpolate: Those of the two ends, moved along with the weights
    data : str
        Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
        [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial, quadratic,
        teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv,
        npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data; runs of different --seed share it [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    samples : int
        Train on the first N training samples only (they are in random order) [default: all]
    loss : str
        What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss
        is their mean) [one of: cross-entropy, squared-error, hinge, logistic, excess, huber,
        absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    schedule : str
        Schedule of the learning rate, which changes at every step, with settings after a colon
        (step:every=10,gamma=0.5) [one of: constant, step, multi-step, exponential, linear,
        flat-linear, polynomial, cosine, sgdr, triangular, one-cycle] [default: constant]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of
        the first step [default: 0]
    workers : int
        Share each mini-batch out evenly among this many workers, as data-parallel training does:
        the gradient is the same, but norms see each worker's own samples [default: none, one batch]
    target_loss : float
        Stop at the end of an epoch whose training loss is at most this
    target_gradient : float
        Stop at the end of an epoch where the gradient over all training samples has at most this
        norm
    clip : float
        Scale gradients down to at most this norm, all parameters together
    clip_value : float
        Cut each coordinate of gradients off at plus and minus this value, before --clip
    sam : float
        Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05);
        0 for none [default: 0]
    best : str
        Which loss decides what best.safetensors holds [default: test-loss]
        - test-loss: Over the test samples (over the training samples where there are none)
        - train-loss: Over the training samples
    ema : float
        Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    swa : int
        Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    snapshots : str
        Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing
        distance
    probe : str
        Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's
        largest eigenvalue and trace and the gradient noise scale (its error bars from few probes
        are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
        the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the
        smallest step along the gradient, and along the optimizer's update, that does not lower the
        loss; learning-coefficient:N for the local learning coefficient
    probe_samples : int
        Probe the loss of the first N training samples only [default: all]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    bias : str
        Whether layers have biases: true or false (sets model.bias)
    norm : str
        Norm of the layers: a name from `losscape list norm` (sets model.norm) [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    depth : str
        Depth of a resnet (layers) or vgg (layers a stage) (sets model.depth)
    skip : str
        Whether a resnet has its ways around the blocks: true or false (sets model.skip)
    momentum : str
        Momentum of the optimizer (sets optimizer.momentum)
    nesterov : str
        Nesterov's look-ahead: true or false (sets optimizer.nesterov)
    weight_decay : str
        Weight decay of the optimizer (sets optimizer.weight-decay)
    label_smoothing : str
        Share of the target spread over all classes (sets loss.smoothing)
    model : str
        Network: a name from `losscape list model`, with settings after a colon
        (`mlp:hidden=[24,16]`) [default: mlp:hidden=[300,100]] [one of: mlp, cnn, vgg, resnet,
        linear, matrix-factorization, student, population-student, layers, exported]
    init : str
        Initializer of the weights [default: glorot-normal] [one of: he-normal, he-uniform,
        lecun-normal, lecun-uniform, glorot-normal, glorot-uniform, geometric, orthogonal,
        delta-orthogonal, lsuv, fixup, naive, mean-field]
    optimizer : str
        Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true) [default: adam] [one
        of: sgd, gd, heavy-ball, nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad,
        lion, lbfgs]
    lr : float
        Learning rate [default: 0.0012]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 60]
    epochs : int
        Passes over the training samples; 0 leaves the network as initialized [default: 7]
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/ticket]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape ticket
          # 300-100 on digits to under 5 % of its weights, three seeds
      losscape ticket --scope global --rounds 10 --seeds 5 --hidden 64,64
      losscape ticket --data mnist1d --model cnn --optimizer sgd --lr 0.05 \
          --epochs 20 --rewind 100

    A dense network is trained; then, level after level, the smallest weights that are left are
    pruned, the others go back to what they were at step --rewind, and the rest of the network is
    trained again. Beside each ticket the same mask is trained from other initial weights (from step
    0), and a random mask with as many weights in each layer from the ticket's own start. With
    --stability each ticket is trained once more in another order of the samples, and the barrier of
    the straight line between both ends is measured. Finished trainings are kept as they come: the
    same command goes on after a stop, --fresh begins anew. The flags of training are those of
    `losscape train` without what ends it early, averages, keeps or probes.

    A level matches the dense network if its median test accuracy is at most one test sample below
    the dense median, or not below the dense lower quartile. It beats it if the lower quartile of
    the differences, seed by seed, is a test sample or more.

    Writes ticket.json (every level: weights left, medians, quartiles and every seed of accuracy and
    loss, differences to the dense network, barriers; sparsest_match, best, beats, statement),
    ticket.npz (level, remaining, seed; train_loss, train_accuracy, test_loss, test_accuracy and
    early_step, early_test_loss, early_test_accuracy at the least test loss, of shape (kinds,
    levels, seeds); train_barrier and the others of shape (levels, seeds); layer_remaining, inputs),
    masks-SEED.safetensors (LEVEL/NAME, ones and zeros), ticket-SEED.safetensors (the sparsest
    tickets that match, trained), and pictures: ticket, stability, layers, pixels.
    """
    return call("ticket", COMMANDS["ticket"], locals())


def topology(
    result: Optional[Setting] = None,
    *,
    map: Optional[Setting] = None,
    adjacency: Optional[int] = None,
    confidence: Optional[float] = None,
    simplify: Optional[float] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""Minima, passes and holes of a slice: which of them its errors cannot have made, and how deep they are

    Parameters
    ----------
    result : str
        Directory of a slice [default: a slice of --run is computed, as the table [slice] of the
        configuration says]
    map : str
        Which of the slice's maps [default: train_loss]
    adjacency : int
        Neighbours of a point: 4, 6 or 8 in a plane, 6, 14 or 26 in a volume, 2 on a line [default:
        the fewest]
    confidence : float
        Probability with which all certified bars are there [default: 0.95]
    simplify : float
        Bars up to this length are left out of the simplified merge tree [default: twice the band]
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated
        [default: runs/default, trained first if it is not there]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/topology]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape slice --samples 300 && losscape topology out/slice
          # of a slice that is there: nothing is computed again
      losscape topology out/slice --map test_loss --adjacency 8
      losscape topology out/slice --simplify 0.1
          # the merge tree of passes higher than that
      losscape topology --run runs/a --out out/bars
          # of a slice as `losscape slice` computes it
      losscape topology --config topology
          # the same keys as the flags, [slice] for the slice

    Sublevel sets of the map are followed from its lowest value up. A component is born at a minimum
    and dies at the pass where it meets one whose minimum is lower (the elder rule): a bar [birth,
    death] each, and one that never dies. Holes of a plane are bars likewise, of the map upside down
    with the dual adjacency. Bars longer than twice the band are certified: with --samples the band
    is that of the standard errors at all points at once, else that of rounding.

    Writes topology.json (minima, certified_minima, longest_bar, bars as [birth, death, certified]
    with the longest first, holes and hole_bars, band, adjacency, simplified), topology.npz (births,
    deaths, birth_index, death_index, parent, hole_births, ..., profile_place, profile_height; of
    several networks with _0, _1, ... at the end), the slice where it was computed, and pictures:
    barcode, persistence, merge-tree.
    """
    return call("topology", COMMANDS["topology"], locals())


def train(
    *,
    data: Optional[Data] = None,
    data_seed: Optional[int] = None,
    standardize: Optional[Setting] = None,
    standardize_targets: bool = False,
    subset: Optional[Setting] = None,
    balance: bool = False,
    label_noise: Optional[float] = None,
    crop: Optional[int] = None,
    flip: bool = False,
    shift: Optional[int] = None,
    samples: Optional[int] = None,
    loss: Optional[Any] = None,
    init: Optional[Setting] = None,
    optimizer: Optional[Setting] = None,
    lr: Optional[float] = None,
    schedule: Optional[Setting] = None,
    warmup: Optional[float] = None,
    batch_size: Optional[int] = None,
    workers: Optional[int] = None,
    epochs: Optional[int] = None,
    target_loss: Optional[float] = None,
    target_gradient: Optional[float] = None,
    clip: Optional[float] = None,
    clip_value: Optional[float] = None,
    sam: Optional[float] = None,
    best: Optional[Literal["test-loss", "train-loss"]] = None,
    ema: Optional[float] = None,
    swa: Optional[int] = None,
    snapshots: Optional[Setting] = None,
    probe: Optional[Setting] = None,
    probe_samples: Optional[int] = None,
    seed: Optional[int] = None,
    precision: Optional[Literal["f32", "f64"]] = None,
    hidden: Optional[Setting] = None,
    activation: Optional[Setting] = None,
    bias: Optional[Setting] = None,
    norm: Optional[Setting] = None,
    depth: Optional[Setting] = None,
    skip: Optional[Setting] = None,
    momentum: Optional[Setting] = None,
    nesterov: Optional[Setting] = None,
    weight_decay: Optional[Setting] = None,
    label_smoothing: Optional[Setting] = None,
    seeds: Optional[int] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    resume: bool = False,
    fresh: bool = False,
    checkpoint_every: Optional[float] = None,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    model: Optional[Network] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
    run: Optional[Network] = None,
) -> Result:
    r"""Train a network on the CPU

    Parameters
    ----------
    data : str
        Data set: a name from `losscape list data`, with settings after a colon (spirals:noise=0.1)
        [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial, quadratic,
        teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10, cifar100, csv,
        npz, npy, images, text, arguments] [default: digits]
    data_seed : int
        Seed of the split and of generated data; runs of different --seed share it [default: 0]
    standardize : str
        Subtract the training mean and divide by the training standard deviation, of each `feature`
        (pixel) or each `channel`, or of `none`; `auto`: of each feature, unless the inputs have a
        scale of their own [default: auto]
    standardize_targets : bool
        Subtract the training mean of target values and divide by their standard deviation, each
        output's own: losses and gradients are then of the size that learning rates are made for.
        Errors are reported in the targets' own units, too
    subset : str
        Use part of the training samples only, drawn at random: how many, or a share such as 0.1, or
        `all` [default: all]
    balance : bool
        Use equally many training samples of every class
    label_noise : float
        Give this share of the training samples a wrong class, drawn uniformly from the others
        [default: 0]
    crop : int
        Augmentation: pad training images by N pixels on each side and cut them to size at random
        [default: 0]
    flip : bool
        Augmentation: mirror training images left to right with probability 1/2
    shift : int
        Augmentation: roll training samples along the width by up to N places, around the end
        [default: 0]
    samples : int
        Train on the first N training samples only (they are in random order) [default: all]
    loss : str
        What training minimises (squared error: half the sum over outputs, where PyTorch's MSELoss
        is their mean) [one of: cross-entropy, squared-error, hinge, logistic, excess, huber,
        absolute-error, poisson, mean-squared-error] [default: cross-entropy]
    init : str
        Initializer of the weights [default: he-normal; an exported network starts from the weights
        in its file] [one of: he-normal, he-uniform, lecun-normal, lecun-uniform, glorot-normal,
        glorot-uniform, geometric, orthogonal, delta-orthogonal, lsuv, fixup, naive, mean-field]
    optimizer : str
        Optimizer, with settings after a colon (sgd:momentum=0.9,nesterov=true) [one of: sgd, gd,
        heavy-ball, nesterov, adagrad, adadelta, rmsprop, adam, adamw, nadam, amsgrad, lion, lbfgs]
        [default: sgd]
    lr : float
        Learning rate [default: the optimizer's own]
    schedule : str
        Schedule of the learning rate, which changes at every step, with settings after a colon
        (step:every=10,gamma=0.5) [one of: constant, step, multi-step, exponential, linear,
        flat-linear, polynomial, cosine, sgdr, triangular, one-cycle] [default: constant]
    warmup : float
        Epochs (fractions allowed) over which the rate first rises linearly from zero, the rate of
        the first step [default: 0]
    batch_size : int
        Samples in a mini-batch; the last of an epoch may be smaller, and joins the one before it if
        it is too small for batch statistics [default: 64; all with a full-batch optimizer]
    workers : int
        Share each mini-batch out evenly among this many workers, as data-parallel training does:
        the gradient is the same, but norms see each worker's own samples [default: none, one batch]
    epochs : int
        Passes over the training samples; 0 leaves the network as initialized [default: 20]
    target_loss : float
        Stop at the end of an epoch whose training loss is at most this
    target_gradient : float
        Stop at the end of an epoch where the gradient over all training samples has at most this
        norm
    clip : float
        Scale gradients down to at most this norm, all parameters together
    clip_value : float
        Cut each coordinate of gradients off at plus and minus this value, before --clip
    sam : float
        Sharpness-aware minimisation: take the gradient this far up the slope (Foret 2021 has 0.05);
        0 for none [default: 0]
    best : str
        Which loss decides what best.safetensors holds [default: test-loss]
        - test-loss: Over the test samples (over the training samples where there are none)
        - train-loss: Over the training samples
    ema : float
        Also keep an exponential average of the weights over steps, with this decay (0.999, say)
    swa : int
        Also keep the mean of the weights at the ends of the epochs from this one on (SWA)
    snapshots : str
        Also keep snapshots of the weights: every N steps, epochs:N, or log:COUNT of growing
        distance
    probe : str
        Measure the landscape along the way, after every N steps: sharpness:N for the Hessian's
        largest eigenvalue and trace and the gradient noise scale (its error bars from few probes
        are rough), drawn against the edge of stability; saddles:N for both ends of its spectrum and
        the gradient's norm, drawn with the plateaus they show; critical-sharpness:N for 2 / the
        smallest step along the gradient, and along the optimizer's update, that does not lower the
        loss; learning-coefficient:N for the local learning coefficient
    probe_samples : int
        Probe the loss of the first N training samples only [default: all]
    seed : int
        Seed of initialization and sample order [default: 0]
    precision : str
        Element type [default: f32]
        - f32: 32 bits: about 7 digits, and twice the speed
        - f64: 64 bits: about 16 digits
    hidden : str
        Widths of the hidden layers, as 24,16 or 32x20 (20 of 32); `none` for a linear model (sets
        model.hidden)
    activation : str
        Activation after each hidden layer: a name from `losscape list activation` (sets
        model.activation) [one of: relu, leaky-relu, tanh, sigmoid, softplus, gelu, silu, mish, elu,
        selu, celu, softsign, hard-tanh, squared-relu, quadratic, identity]
    bias : str
        Whether layers have biases: true or false (sets model.bias)
    norm : str
        Norm of the layers: a name from `losscape list norm` (sets model.norm) [one of: none, batch,
        layer, instance, group, switchable, weight, spectral]
    depth : str
        Depth of a resnet (layers) or vgg (layers a stage) (sets model.depth)
    skip : str
        Whether a resnet has its ways around the blocks: true or false (sets model.skip)
    momentum : str
        Momentum of the optimizer (sets optimizer.momentum)
    nesterov : str
        Nesterov's look-ahead: true or false (sets optimizer.nesterov)
    weight_decay : str
        Weight decay of the optimizer (sets optimizer.weight-decay)
    label_smoothing : str
        Share of the target spread over all classes (sets loss.smoothing)
    seeds : int
        Train this many runs, with --seed and the seeds after it, one per core, into DIR/seed-N
    shard : str
        Train part I of N (from 0) of the --seeds only, in DIR/shard-I-of-N; losscape merge joins
        the parts. auto takes I and N from the array or the ranks of a scheduler, auto/N takes I
        alone
    claim : int
        Cut the --seeds into N blocks and train one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    resume : bool
        Go on with the unfinished run in DIR, with the settings it has
    fresh : bool
        Discard the unfinished run in DIR, and train from the start
    checkpoint_every : float
        Longest time between two checkpoints; 0 for one after every step [default: 30]
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: runs/default]
    model : str
        Network: a name from `losscape list model`, with settings after a colon
        (`mlp:hidden=[24,16]`) [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization,
        student, population-student, layers, exported] [default: mlp]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre
    run : str
        the same as `model`

    Examples:
      losscape train
          # the default network on handwritten digits
      losscape train --hidden 24,16 --activation tanh --seed 1 --out runs/b
      losscape train --data spirals:noise=0.1 --hidden 64,64 --epochs 200 \
          --schedule cosine --warmup 5
      losscape train --optimizer sgd:momentum=0.95,nesterov=true --lr 0.02 \
          --weight-decay 1e-4 --clip 1
      losscape train --optimizer lbfgs --epochs 100 --target-gradient 1e-3
          # to a minimum, with full batches
      losscape train --sam 0.05 --ema 0.999 --swa 15
          # sharpness-aware, with averaged weights beside the last
      losscape train --snapshots log:20
          # weights along the way, for trajectories
      losscape train --optimizer gd --lr 0.1 --epochs 2000 --samples 500 \
          --probe sharpness:20
          # the Hessian's largest eigenvalue at the edge of stability
      losscape train --hidden 16x3 --init mean-field:weight=0.4 \
          --optimizer gd --epochs 1000 --samples 300 --probe saddles:20
          # both ends of the spectrum, where plateaus and saddles are
      losscape train --norm batch --batch-size 256 --workers 4
          # batches shared out, statistics of each worker's part
      losscape train --seeds 8 --out runs/eight
          # eight runs, a table and a picture of all
      losscape train --resume --out runs/b
          # go on with a run that was stopped
      losscape train --config my.toml
          # the same keys as the flags: hidden = [24, 16]

    Writes run.json, weights.safetensors (the last weights; complete in itself; loads into PyTorch
    by name), best.safetensors (of the epoch with the lowest loss, see --best), metrics.jsonl (a
    line an epoch), training.png and .svg; ema.safetensors, swa.safetensors and
    trajectory.safetensors (tensors STEP/NAME) when asked for; with --probe probes.npz (an array a
    number, a probe each), and edge-of-stability.png and .svg, or plateaus, critical-sharpness or
    learning-coefficient, as the probe is called. The same seed gives the same bytes on any number
    of threads, and the same weights with --probe and without.

    A run that is stopped or killed leaves checkpoint.safetensors; the same command, or --resume,
    goes on with it and ends in the same bytes. Checkpoints are written at the ends of epochs, a
    second or more apart, and within them at least every --checkpoint-every seconds (or nine times
    as long as writing one takes). A finished run is not resumed: a longer one is another run, and
    trains from the start.

    A target that all epochs do not reach, and an eigenvalue that did not converge, are exit code 3;
    the run is written all the same.
    """
    return call("train", COMMANDS["train"], locals())


def travel(
    *,
    kernel_samples: Optional[int] = None,
    step: Optional[int] = None,
    model: Optional[Network] = None,
    loss: Optional[Any] = None,
    weights: Optional[Paths] = None,
    data: Optional[Data] = None,
    other_data: bool = False,
    run: Optional[Network] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""How far training went, how much the outputs changed, how far the tangent kernel turned

    Parameters
    ----------
    kernel_samples : int
        Training samples of the tangent kernel, the first ones (they are in random order); 0 for no
        kernel [default: 32]
    step : int
        Measure the way to the state after so many steps of training, if it has more, instead of to
        its end
    model : str
        Network that --weights are of, as `losscape train --model` names it [default: that of
        [train]] [one of: mlp, cnn, vgg, resnet, linear, matrix-factorization, student,
        population-student, layers, exported]
    loss : str
        Loss of that network, of a graph that ends in outputs, or in place of the one that a run was
        trained with, as `losscape train --loss` names it [one of: cross-entropy, squared-error,
        hinge, logistic, excess, huber, absolute-error, poisson, mean-squared-error]
    weights : one or a list
        Weights for a graph of torch.export in place of its own, or for the network that --model and
        --data name: .pt or .pth of torch.save, .safetensors, or another .pt2 of the same network;
        several, as of a glob, are several networks
    data : str
        Where the data of the given networks lie now; other samples than those that they were
        trained on are refused [one of: digits, spirals, blobs, moons, circles, mnist1d, polynomial,
        quadratic, teacher-student, gaussian-teacher, identity, random-labels, idx, cifar10,
        cifar100, csv, npz, npy, images, text, arguments]
    other_data : bool
        Take other samples with --data than the networks were trained on
    run : one or a list
        Run directory, weight file or graph of torch.export (.pt2) or ONNX, may be repeated
        [default: runs/default, trained first if it is not there]
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/travel]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape travel
          # the default network, trained if need be
      losscape travel --run runs/a --kernel-samples 100
      losscape travel --run runs/a --step 1        the way of the first step alone

    The network is drawn again as its training began, and compared with what training made of it.

    Writes travel.json (distance and relative_distance of the parameters, output_change and
    relative_output_change over the training samples, kernel_drift: 1 less the cosine of both
    tangent kernels).
    """
    return call("travel", COMMANDS["travel"], locals())


def width(
    *,
    widths: Optional[List_] = None,
    seeds: Optional[int] = None,
    quick: bool = False,
    scale: Optional[Setting] = None,
    plan: bool = False,
    set: Optional[Union[Setting, Sequence[Setting]]] = None,
    shard: Optional[Setting] = None,
    claim: Optional[int] = None,
    fresh: bool = False,
    threads: Optional[int] = None,
    isa: Optional[Literal["v2", "v3", "v4"]] = None,
    quiet: bool = False,
    config: Optional[Text] = None,
    out: Optional[Text] = None,
    log: Optional[Union[bool, str, float]] = None,
    vmin: Optional[float] = None,
    vmax: Optional[float] = None,
    levels: Optional[int] = None,
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    theme: Optional[Literal["light", "dark"]] = None,
    dpi: Optional[int] = None,
    format: Optional[List_] = None,
    html: bool = False,
    width: Optional[Setting] = None,
    font_size: Optional[float] = None,
    title: Optional[Setting] = None,
    subtitle: Optional[Setting] = None,
    no_title: bool = False,
    transparent: bool = False,
    center: Optional[float] = None,
    raster: bool = False,
    animate: bool = False,
    cmap: Optional[Literal["viridis", "magma", "cividis", "inferno", "plasma", "turbo", "balance", "orchid"]] = None,
) -> Result:
    r"""What changes as a network gets wider: fit, double descent, sharpness, barriers, laziness

    Parameters
    ----------
    widths : str or list
        Units of the hidden layer, separated by commas [default: the recipe's]
    seeds : int
        Seeds of each case [default: the recipe's]
    quick : bool
        At smoke scale: everything once, small; the same as --scale quick [default: false]
    scale : str
        At one of the recipe's own scales
    plan : bool
        Say what would be computed, and how long it would take, and stop [default: false]
    set : one or a list
        Another value for a setting of the recipe; may be repeated
    shard : str
        Compute part I of N (from 0) only, in DIR/shard-I-of-N; losscape merge joins the parts. auto
        takes I and N from the array or the ranks of a scheduler, auto/N takes I alone
    claim : int
        Cut the work into N blocks and compute one after the other that no other worker has, until
        all are done: any number of processes with the same command, on any number of machines, that
        share DIR; losscape merge joins the blocks
    fresh : bool
        Discard what unfinished work left in the directory, instead of going on with it
    threads : int
        Threads to compute on; results do not depend on it [default: all cores]
    isa : str
        Compute the bytes that all processors from this level of x86-64 on compute: products and
        eigenvalues of matrices by slower algorithms in an order of their own, the same for every
        level [default: the fastest, whose last bits differ between types of processors]
        - v2: SSE4.2 (since 2009)
        - v3: AVX2 and fused multiply-add (since 2013)
        - v4: AVX-512
    quiet : bool
        Say nothing but errors (and the result, with --json)
    config : path
        TOML file with the same keys as the flags, which override it, or the name of one that is
        built in
    out : path
        Directory for the result [default: out/width]
    cmap : str
        Colour map of values; also --log, --vmin, --vmax, --levels, --azimuth, --elevation, --theme,
        --dpi, --format, --html, --width, --font-size, --title, --subtitle, --no-title,
        --transparent, --center, --raster, --animate, as `losscape plot --help` says [default:
        viridis]
        - viridis: Dark blue over green to yellow
        - magma: Black over purple to pale yellow
        - cividis: Blue to yellow, the same to colour-blind readers
        - inferno: Black over red to pale yellow
        - plasma: Blue over magenta to yellow
        - turbo: Blue over green to red: vivid, not ordered by lightness
        - balance: Blue over white to red, for values around a centre
        - orchid: Green over white to purple, for values around a centre

    Examples:
      losscape width
          # one hidden layer on digits, in a few minutes
      losscape width --widths 2,4,8,16,32 --seeds 8 --out out/width
      losscape width --set train.data=mnist1d --set train.epochs=100
      losscape width --quick                       at smoke scale, in seconds

    The recipe is the one that `losscape recipe width` prints: copy it to change what is trained and
    measured, and run the copy with losscape run. Every finished case is kept: the same command goes
    on after a stop.

    Writes width.json (a summary per width: median and quartiles of each measure), width.npz (width,
    seed, and each measure, shape (widths, seeds)), width.csv, and pictures.
    """
    return call("width", COMMANDS["width"], locals())
