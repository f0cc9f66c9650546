"""Publish and fetch bundles: Kaggle and Hugging Face behind one URI."""

from agelens.hubs.transfer import pull, push
from agelens.hubs.uri import HubError, HubUri, HuggingFaceUri, KaggleUri, is_uri, parse_uri

__all__ = ["HubError", "HubUri", "HuggingFaceUri", "KaggleUri", "is_uri", "parse_uri", "pull", "push"]
