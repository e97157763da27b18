"""The verifiers of proof bundles, each one file that stands alone: verify.py and verify.html."""
