"""Publish and fetch bundles: Kaggle and Hugging Face behind one URI."""

from agelens.models.hubs.transfer import pull, push
from agelens.models.hubs.uri import HubUri, HuggingFaceUri, KaggleUri, is_uri, parse_uri

__all__ = ["HubUri", "HuggingFaceUri", "KaggleUri", "is_uri", "parse_uri", "pull", "push"]
