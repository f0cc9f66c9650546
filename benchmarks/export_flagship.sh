#!/usr/bin/env bash
# The bundle models/efficientnet-b4, out of the run that benchmarks/last_stage.py made from the weights that recipe
# 'flagship' had made; uncalibrated.
#
#   benchmarks/export_flagship.sh RUN [MANIFEST_OR_PACK]      the run's folder; faces to compare with torch on
set -euo pipefail
cd "$(dirname "$0")/.."
run=$1
faces=${2:+--faces $2}

# shellcheck disable=SC2086 # nothing, or an option and its value
agelens export "$run" --output models/efficientnet-b4 --half $faces \
  --name efficientnet-b4 \
  --licence "non-commercial research only (the terms of its training data say so)" \
  --description "Reads age (a distribution over 0..100 years) and gender from an aligned face: EfficientNet-B4 at 224 \
pixels. Learnt from 42,865 faces, namely UTKFace (15,163), All-Age-Faces (9,816), Labeled Faces in the Wild (8,329, \
whose ages are the teacher's), SCUT-FBP5500 (5,498, with gender alone) and APPA-REAL (4,059), and from the \
out-of-fold answers of a teacher: two networks that began from face recognition, a MobileFaceNet (MS-Celeb-1M, a data \
set that its publisher has withdrawn) and HSE-FaceRes's MobileNet (VGGFace2, IMDB-WIKI). Its last stage, attention and \
heads then learnt on by themselves, without SCUT-FBP5500, rare ages drawn oftener, from the mean of that teacher's \
answers, its own and those of the model embedded."
