#!/bin/sh
# Makes the default media of the loopback call from recordings that system packages bring:
#   OUTDIR/footage.y4m  640x360, 30 pictures a second, 15 s   from opencv-doc
#   OUTDIR/speech.wav   48 kHz, mono, about 36 s              from alsa-utils, asterisk-core-sounds-en-g722
# usage: prepare_media.sh OUTDIR
#
# A file whose package (or ffmpeg) is missing is left out and named on standard error; the program
# then generates a stand-in. Runs that find their work done end at once. Files appear whole or not
# at all.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUTDIR" >&2; exit 2; }
out=$1
mkdir -p "$out"

recipe=$(cksum < "$0")
if [ "$(cat "$out/recipe" 2>/dev/null || true)" = "$recipe" ] &&
   [ -s "$out/footage.y4m" ] && [ -s "$out/speech.wav" ]; then
  exit 0
fi
if ! command -v ffmpeg > /dev/null; then
  echo "prepare_media.sh: ffmpeg is not installed: no recordings prepared" >&2
  exit 0
fi
tmp=$(mktemp -d "$out/.preparing.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# People in a street, filmed with 10 pictures a second. Each picture is used once, at 30 a second:
# every frame differs from the one before by real movement (three times as fast as it was), which
# an encoder finds harder than repeated or interpolated pictures.
clip=/usr/share/doc/opencv-doc/examples/data/vtest.avi
if [ -r "$clip" ]; then
  ffmpeg -nostdin -v error -i "$clip" -an -frames:v 450 -r 30 \
    -vf 'setpts=N/30/TB,crop=768:432:0:72,scale=640:360:flags=area' \
    -pix_fmt yuv420p -f yuv4mpegpipe "$tmp/footage.y4m"
  mv "$tmp/footage.y4m" "$out/footage.y4m"
else
  echo "prepare_media.sh: $clip is missing (package opencv-doc)" >&2
fi

# Single words recorded with 48 kHz, then the first 25 s of a spoken text (16 kHz).
set --
count=0
for name in Front_Center Front_Left Front_Right Rear_Center Rear_Left Rear_Right Side_Left Side_Right; do
  word=/usr/share/sounds/alsa/$name.wav
  [ -r "$word" ] || continue
  set -- "$@" -i "$word"
  count=$((count + 1))
done
for text in /usr/share/asterisk/sounds/en*/demo-instruct.g722; do
  [ -r "$text" ] || continue
  set -- "$@" -f g722 -t 25 -i "$text"
  count=$((count + 1))
  break
done
if [ "$count" -gt 0 ]; then
  filter=
  i=0
  while [ "$i" -lt "$count" ]; do
    filter="${filter}[$i:a]aresample=48000,aformat=sample_fmts=s16:channel_layouts=mono[p$i];"
    i=$((i + 1))
  done
  i=0
  while [ "$i" -lt "$count" ]; do
    filter="${filter}[p$i]"
    i=$((i + 1))
  done
  ffmpeg -nostdin -v error "$@" -filter_complex "${filter}concat=n=$count:v=0:a=1[out]" -map '[out]' \
    -c:a pcm_s16le -ar 48000 -ac 1 "$tmp/speech.wav"
  mv "$tmp/speech.wav" "$out/speech.wav"
else
  echo "prepare_media.sh: no speech found (packages alsa-utils, asterisk-core-sounds-en-g722)" >&2
fi

printf '%s\n' "$recipe" > "$tmp/recipe"
mv "$tmp/recipe" "$out/recipe"
