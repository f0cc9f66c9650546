#!/usr/bin/env bash
# Everything behind the embedded model's row in docs/results.md, from the raw data to the table; hours on two
# cores. Needs '.[test]', ../shared and YuNet's file in AGELENS_YUNET.
#
#   benchmarks/reproduce.sh [SHARED]        figures: work/reproduced/test.json, report: work/reproduced/report
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${1:-../shared}
export AGELENS_YUNET=${AGELENS_YUNET:-$shared/models/face_detection_yunet_2026may.onnx} OMP_NUM_THREADS=1
out=work/reproduced
mkdir -p "$out"

# Data. What is set aside for calibration, a part of UTKFace's training split and of the others' validation splits,
# no training sees.
agelens data import utkface "$shared/data/utkface" --output work/utkface.csv
agelens data split work/utkface.csv --of train --ratio train=0.915,calibration=0.085 \
  --output work/utkface-calibration.csv
agelens data pack work/utkface-calibration.csv --size 112 --output work/utkcal112
agelens data import folder "$shared/data/appa_real/appa_real.csv" --output work/appa.csv \
  --column image=file --column group=ethnicity --source-name appa-real
agelens data import all-age-faces "$shared/data/aaf/aaf.csv" --output work/aaf.csv \
  --column image=file --column group=ethnicity
for set in appa aaf; do
  agelens data split work/$set.csv --of val --ratio val=0.6,calibration=0.4 --output work/$set-cal.csv
done
agelens data pack work/appa-cal.csv --size 112 --detector yunet --output work/appa112 ||
  [ $? -eq 1 ] # photos without a face are named and left out
agelens data pack work/aaf-cal.csv --size 112 --output work/aaf112
agelens data import lfw "$shared/data/lfw/lfw.csv" --output work/lfw.csv --column image=file --column group=ethnicity
agelens data pack work/lfw.csv --size 112 --output work/lfw112

# The teacher's out-of-fold answers; those of EfficientNet-B4, which sees the faces at 224 pixels, beside them; then
# the student, in two processes of one thread each. The recipe states the rest: the further tables, the teachers,
# and four stages. The last learns from three teachers alike: those two, whose mean is therefore named twice, and the
# model in the package.
OMP_NUM_THREADS=2 python benchmarks/cross_fit.py work/utkcal112 --also work/appa112 --also work/aaf112 --also work/lfw112 \
  --recipe embedded-labels --folds 4 --output work/teacher.npz
agelens data pack work/utkface-calibration.csv --size 224 --output work/utkcal224
agelens data pack work/appa-cal.csv --size 224 --detector yunet --output work/appa224 || [ $? -eq 1 ]
agelens data pack work/aaf-cal.csv --size 224 --output work/aaf224
agelens data pack work/lfw.csv --size 224 --output work/lfw224
OMP_NUM_THREADS=2 python benchmarks/second_teacher.py work/utkcal224 --also work/appa224 --also work/aaf224 \
  --also work/lfw224 --model efficientnet-b4 --runtime openvino --with work/teacher.npz --output work/teachers.npz
python benchmarks/second_teacher.py work/utkcal112 --also work/appa112 --also work/aaf112 --also work/lfw112 \
  --model embedded --with work/teachers.npz --with work/teachers.npz --output work/three-teachers.npz
agelens train --recipe embedded --manifest work/utkcal112 --output runs/reproduced --set batch_size=96 \
  --accelerator cpu --devices 2 --strategy ddp

# The bundle: calibrated on what no training saw, then measured once, by data set.
agelens export runs/reproduced --output "$out/bundle" \
  --licence "non-commercial research only (the terms of its training data say so)"
agelens calibrate --model "$out/bundle" --split calibration --flatten 0.4 --flatten-from 71 \
  --manifest work/utkface-calibration.csv --manifest work/appa-cal.csv --manifest work/aaf-cal.csv \
  --detector whole --detector yunet --detector whole
agelens evaluate --model "$out/bundle" --write --output "$out/test.json" \
  --manifest work/utkface.csv --manifest work/appa-cal.csv --manifest work/aaf-cal.csv \
  --split test --split val --split val --detector whole --detector yunet --detector whole
agelens evaluate --model "$out/bundle" --manifest work/utkface.csv --split test --report "$out/report" \
  --compare "face-api=$shared/peers/face-api-1.7.15-utkface-test.csv"
