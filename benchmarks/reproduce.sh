#!/usr/bin/env bash
# Everything behind the embedded model's row in docs/results.md, from the raw data to the table; some two hours on
# two cores. Needs '.[test]', ../shared and YuNet's file in AGELENS_YUNET.
#
#   benchmarks/reproduce.sh [SHARED]        figures: work/reproduced/test.json, report: work/reproduced/report
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${1:-../shared}
export AGELENS_YUNET=${AGELENS_YUNET:-$shared/models/face_detection_yunet_2026may.onnx} OMP_NUM_THREADS=1
out=work/reproduced
mkdir -p "$out"

# Data: a part of UTKFace's training split is set aside for calibration, before anything learns.
agelens data import utkface "$shared/data/utkface" --output work/utkface.csv
agelens data split work/utkface.csv --of train --ratio train=0.915,calibration=0.085 \
  --output work/utkface-calibration.csv
agelens data pack work/utkface-calibration.csv --size 112 --output work/utkcal112
agelens data import folder "$shared/data/appa_real/appa_real.csv" --output work/appa.csv \
  --column image=file --column group=ethnicity --source-name appa-real
agelens data pack work/appa.csv --size 112 --detector yunet --output work/appa112 ||
  [ $? -eq 1 ] # 72 photos without a face are named and left out

# The teacher's out-of-fold answers, then the student, in two processes of one thread each. The recipe states the
# rest: the further table, the teacher, and two stages (88 pixels, then 80 with rare ages drawn more often).
python benchmarks/teacher.py work/utkcal112 --also work/appa112 --yunet "$AGELENS_YUNET" \
  --weights "$shared/models/mobilefacenet-apache2.pt" --output work/teacher.npz
agelens train --recipe embedded --manifest work/utkcal112 --output runs/reproduced \
  --accelerator cpu --devices 2 --strategy ddp

# The bundle: calibrated on what no training saw, then measured once.
agelens export runs/reproduced --output "$out/bundle" \
  --licence "non-commercial research only (trained on UTKFace and APPA-REAL, whose terms say so)"
agelens calibrate --model "$out/bundle" --manifest work/utkface-calibration.csv --split calibration --split val \
  --flatten 0.5 --flatten-from 50
agelens evaluate --model "$out/bundle" --manifest work/utkface.csv --split test --write --output "$out/test.json" \
  --report "$out/report" --compare "face-api=$shared/peers/face-api-1.7.15-utkface-test.csv"
agelens evaluate --model "$out/bundle" --manifest work/appa.csv --split val --detector yunet --output "$out/appa.json"
