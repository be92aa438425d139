"""The template as it is, deployed into an emulated AWS account on this machine that enforces every permission."""
