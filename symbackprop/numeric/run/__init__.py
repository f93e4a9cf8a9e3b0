"""The source run: `call_signature` → `function`; `samples` → `updates`, with `progress_bar` and `history` → `train`."""
