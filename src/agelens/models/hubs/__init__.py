"""Publish and fetch bundles: Kaggle and Hugging Face behind one URI."""

from agelens.models.hubs.transfer import pull, push
from agelens.models.hubs.uri import HubError, HubUri, HuggingFaceUri, KaggleUri, parse_uri

__all__ = ["HubError", "HubUri", "HuggingFaceUri", "KaggleUri", "parse_uri", "pull", "push"]
