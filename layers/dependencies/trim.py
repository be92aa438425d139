"""What a start pays for and no function calls is taken out of botocore's data: trim.py FOLDER SSM-OPERATION...

Making a client reads where each service of AWS has endpoints (1.2 MB) and all that it can do (SSM: 0.9 MB).
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def main(data: Path, operations: list[str]) -> None:
    """Keep the endpoints of the services that are left, and of SSM the operations that are named."""
    models = [json.loads(gzip.decompress(path.read_bytes())) for path in sorted(data.rglob("service-2.json.gz"))]
    services = {model["metadata"]["endpointPrefix"] for model in models}
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in services}
    (data / "endpoints.json").write_text(json.dumps(endpoints))

    (packed,) = data.glob("ssm/*/service-2.json.gz")
    model = json.loads(gzip.decompress(packed.read_bytes()))
    model["operations"] = {name: model["operations"][name] for name in operations}
    needed: set[str] = set()
    _need(model["operations"], model["shapes"], needed)
    model["shapes"] = {name: shape for name, shape in model["shapes"].items() if name in needed}
    packed.with_suffix("").write_text(json.dumps(model))
    packed.unlink()


def _need(part: Any, shapes: dict[str, Any], needed: set[str]) -> None:  # noqa: ANN401 - any part of a model
    """Collect the shapes that a part of a model leads to."""
    if isinstance(part, list):
        for each in part:
            _need(each, shapes, needed)
    elif isinstance(part, dict):
        name = part.get("shape")
        if isinstance(name, str) and name not in needed:
            needed.add(name)
            _need(shapes[name], shapes, needed)
        _need([each for each in part.values() if isinstance(each, dict | list)], shapes, needed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
