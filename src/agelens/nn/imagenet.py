"""The ImageNet weights of a timm backbone: from the hub's cache without a network, else from the hub.

Where there is no network, the hub's client tries for a minute and tells each attempt; here it is asked once.
"""

from __future__ import annotations

from typing import Any

import huggingface_hub
import timm

#: The files that timm looks for in a repository, in its order.
_FILES = ("model.safetensors", "pytorch_model.bin")

#: Seconds that the hub may take to answer whether it is there.
_PATIENCE = 10.0


def with_imagenet_weights(backbone: str, **options: Any) -> Any:
    """timm's backbone with its ImageNet weights; ``options`` are those of ``timm.create_model``.

    Raises:
        Exception: whatever keeps the hub's client from fetching them; its errors have no common base.
    """
    about = timm.get_pretrained_cfg(backbone)
    repository = about.hf_hub_id if about else None
    if repository is None:  # timm knows another place, or says that there is none
        return timm.create_model(backbone, pretrained=True, **options)
    cached = (huggingface_hub.try_to_load_from_cache(repository, name) for name in _FILES)
    if file := next((found for found in cached if isinstance(found, str)), None):
        options["pretrained_cfg_overlay"] = {"file": file}
    else:
        huggingface_hub.HfApi().model_info(repository, timeout=_PATIENCE)
    return timm.create_model(backbone, pretrained=True, **options)
