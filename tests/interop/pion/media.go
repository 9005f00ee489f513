package main

// Pion carries encoded media only. libavcodec has all of the video codecs.

/*
#cgo pkg-config: libavcodec libavutil opus
#cgo LDFLAGS: -lm
#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include <math.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 8 };

static void cells_of(int number, int cells[CELLS]) {
	int parity = 0;
	cells[0] = cells[7] = 1;
	cells[1] = 0;
	for (int i = 0; i < 4; ++i) parity ^= cells[2 + i] = number >> (3 - i) & 1;
	cells[6] = parity;
}

typedef struct { AVCodecContext* codec; AVFrame* frame; AVPacket* packet; } Encoder;

static Encoder* encoder_new(const char* name, const char* settings, int width, int height) {
	Encoder* e = calloc(1, sizeof *e);
	const AVCodec* codec = avcodec_find_encoder_by_name(name);
	e->codec = avcodec_alloc_context3(codec);
	e->codec->width = width;
	e->codec->height = height;
	e->codec->pix_fmt = AV_PIX_FMT_YUV420P;
	e->codec->time_base = (AVRational){1, 20};
	e->codec->bit_rate = 400000;
	e->codec->gop_size = 3000;
	e->codec->max_b_frames = 0;
	e->codec->thread_count = 1;
	AVDictionary* options = NULL;
	av_dict_parse_string(&options, settings, "=", ":", 0);
	avcodec_open2(e->codec, codec, &options);
	av_dict_free(&options);
	e->frame = av_frame_alloc();
	e->frame->width = width;
	e->frame->height = height;
	e->frame->format = AV_PIX_FMT_YUV420P;
	av_frame_get_buffer(e->frame, 0);
	e->packet = av_packet_alloc();
	return e;
}

// The n-th picture; returns its size and where it lies.
static int encoder_next(Encoder* e, int n, int number, int key, const void** data) {
	int cells[CELLS], width = e->frame->width, height = e->frame->height;
	cells_of(number, cells);
	av_frame_make_writable(e->frame);
	for (int y = 0; y < height; ++y)
		for (int x = 0; x < width; ++x)
			e->frame->data[0][y * e->frame->linesize[0] + x] =
				y < height / 8 ? (cells[x * CELLS / width] ? 200 : 40) : 16 + (x + y + 2 * n) / 2 % 200;
	for (int p = 1; p < 3; ++p) memset(e->frame->data[p], 128, e->frame->linesize[p] * height / 2);
	e->frame->pts = n;
	e->frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	av_packet_unref(e->packet);
	if (avcodec_send_frame(e->codec, e->frame) || avcodec_receive_packet(e->codec, e->packet)) return 0;
	*data = e->packet->data;
	return e->packet->size;
}

static void encoder_free(Encoder* e) {
	avcodec_free_context(&e->codec);
	av_frame_free(&e->frame);
	av_packet_free(&e->packet);
	free(e);
}

typedef struct { AVCodecContext* codec; AVFrame* frame; AVPacket* packet; } Decoder;

static Decoder* decoder_new(enum AVCodecID id) {
	Decoder* d = calloc(1, sizeof *d);
	const AVCodec* codec = avcodec_find_decoder(id);
	d->codec = avcodec_alloc_context3(codec);
	d->codec->thread_count = 1;
	d->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	avcodec_open2(d->codec, codec, NULL);
	d->frame = av_frame_alloc();
	d->packet = av_packet_alloc();
	return d;
}

// -2: not decodable, -1: a picture without a marker, else the number in it.
static int decoder_marker(Decoder* d, const void* data, int size) {
	av_packet_unref(d->packet);
	av_new_packet(d->packet, size);
	memcpy(d->packet->data, data, size);
	if (avcodec_send_packet(d->codec, d->packet) || avcodec_receive_frame(d->codec, d->frame)) return -2;
	int seen[CELLS], expected[CELLS], width = d->frame->width;
	const unsigned char* row = d->frame->data[0] + d->frame->height / 16 * d->frame->linesize[0];
	for (int i = 0; i < CELLS; ++i) seen[i] = row[(2 * i + 1) * width / (2 * CELLS)] > 120;
	int number = seen[2] << 3 | seen[3] << 2 | seen[4] << 1 | seen[5];
	cells_of(number, expected);
	return memcmp(seen, expected, sizeof seen) ? -1 : number;
}

static void decoder_free(Decoder* d) {
	avcodec_free_context(&d->codec);
	av_frame_free(&d->frame);
	av_packet_free(&d->packet);
	free(d);
}

typedef struct { OpusEncoder* codec; long position; } Tone;

static Tone* tone_new(void) {
	int error;
	Tone* t = calloc(1, sizeof *t);
	t->codec = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
	return t;
}

// The next 20 ms.
static int tone_next(Tone* t, unsigned char* data, int size) {
	short pcm[960];
	for (int i = 0; i < 960; ++i)
		pcm[i] = 8000 * sin(2 * M_PI * 440 * (t->position++ % 48000) / 48000.0);
	return opus_encode(t->codec, pcm, 960, data, size);
}

static void tone_free(Tone* t) {
	opus_encoder_destroy(t->codec);
	free(t);
}

typedef struct { OpusDecoder* codec; long samples, first, last; int periods, below; double hertz; } Meter;

static Meter* meter_new(void) {
	int error;
	Meter* m = calloc(1, sizeof *m);
	m->codec = opus_decoder_create(48000, 1, &error);
	m->periods = -1;
	return m;
}

// The frequency heard in the last half second.
static double meter_add(Meter* m, const unsigned char* data, int size) {
	short pcm[5760];
	int count = opus_decode(m->codec, data, size, pcm, 5760, 0);
	for (int i = 0; i < count; ++i, ++m->samples) {
		if (pcm[i] < -500) m->below = 1;
		if (m->below && pcm[i] >= 0) {
			m->below = 0;
			if (++m->periods == 0) m->first = m->samples;
			m->last = m->samples;
		}
		if (m->samples == 24000) {
			m->hertz = m->periods > 0 ? m->periods * 48000.0 / (m->last - m->first) : 0;
			m->samples = 0;
			m->periods = -1;
		}
	}
	return m->hertz;
}

static void meter_free(Meter* m) {
	opus_decoder_destroy(m->codec);
	free(m);
}
*/
import "C"

import "unsafe"

// How libavcodec is asked for the codecs, by their names in SDP.
var videoCodecs = map[string]struct {
	encoder, settings string
	decoder           C.enum_AVCodecID
}{
	"VP8":  {"libvpx", "deadline=realtime:cpu-used=8:lag-in-frames=0:error-resilient=default", C.AV_CODEC_ID_VP8},
	"VP9":  {"libvpx-vp9", "deadline=realtime:cpu-used=8:lag-in-frames=0", C.AV_CODEC_ID_VP9},
	"H264": {"libx264", "preset=ultrafast:tune=zerolatency:profile=baseline:forced-idr=1", C.AV_CODEC_ID_H264},
	"AV1":  {"libaom-av1", "usage=realtime:cpu-used=8:lag-in-frames=0", C.AV_CODEC_ID_AV1},
}

// Pictures encodes pictures with the marker, whose values begin at `first` and are `values` many.
type Pictures struct {
	c                     *C.Encoder
	number, first, values int
}

func newPictures(codec string, width, height, first, values int) *Pictures {
	about := videoCodecs[codec]
	name, settings := C.CString(about.encoder), C.CString(about.settings)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(settings))
	return &Pictures{c: C.encoder_new(name, settings, C.int(width), C.int(height)), first: first, values: values}
}

func (p *Pictures) next(key bool) []byte {
	var data unsafe.Pointer
	wanted := C.int(0)
	if key {
		wanted = 1
	}
	size := C.encoder_next(p.c, C.int(p.number), C.int(p.first+p.number%p.values), wanted, &data)
	p.number++
	return C.GoBytes(data, size)
}

func (p *Pictures) free() { C.encoder_free(p.c) }

// Viewer decodes pictures and reads their markers.
type Viewer struct{ c *C.Decoder }

func newViewer(codec string) *Viewer { return &Viewer{C.decoder_new(videoCodecs[codec].decoder)} }

// look gives the number in the marker, -1 without one, -2 when nothing was decoded.
func (v *Viewer) look(frame []byte) int {
	if len(frame) == 0 {
		return -2
	}
	return int(C.decoder_marker(v.c, unsafe.Pointer(&frame[0]), C.int(len(frame))))
}

// width is that of the last picture.
func (v *Viewer) width() int { return int(v.c.frame.width) }

func (v *Viewer) free() { C.decoder_free(v.c) }

// Tone encodes a tone of 440 Hz.
type Tone struct{ c *C.Tone }

func newTone() Tone { return Tone{C.tone_new()} }

func (t Tone) next() []byte {
	data := make([]byte, 1275)
	size := C.tone_next(t.c, (*C.uchar)(&data[0]), C.int(len(data)))
	return data[:size]
}

func (t Tone) free() { C.tone_free(t.c) }

// Meter decodes sound and finds its frequency.
type Meter struct{ c *C.Meter }

func newMeter() Meter { return Meter{C.meter_new()} }

func (m Meter) add(packet []byte) float64 {
	if len(packet) == 0 {
		return 0
	}
	return float64(C.meter_add(m.c, (*C.uchar)(&packet[0]), C.int(len(packet))))
}

func (m Meter) free() { C.meter_free(m.c) }
