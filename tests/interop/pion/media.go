package main

// Pion carries encoded media only. libvpx and libopus are at hand because parley needs them.

/*
#cgo pkg-config: vpx opus
#include <math.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

enum { WIDTH = 320, HEIGHT = 240, CELLS = 8 };

static void cells_of(int number, int cells[CELLS]) {
	int parity = 0;
	cells[0] = cells[7] = 1;
	cells[1] = 0;
	for (int i = 0; i < 4; ++i) parity ^= cells[2 + i] = number >> (3 - i) & 1;
	cells[6] = parity;
}

typedef struct { vpx_codec_ctx_t codec; vpx_image_t* image; int number; } Encoder;

static Encoder* encoder_new(void) {
	Encoder* e = calloc(1, sizeof *e);
	vpx_codec_enc_cfg_t config;
	vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &config, 0);
	config.g_w = WIDTH;
	config.g_h = HEIGHT;
	config.g_timebase.num = 1;
	config.g_timebase.den = 20;
	config.rc_target_bitrate = 400;
	config.g_error_resilient = 1;
	config.g_lag_in_frames = 0;
	config.kf_max_dist = 3000;
	vpx_codec_enc_init(&e->codec, vpx_codec_vp8_cx(), &config, 0);
	vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, 8);
	e->image = vpx_img_alloc(NULL, VPX_IMG_FMT_I420, WIDTH, HEIGHT, 1);
	return e;
}

// The next picture; returns its size and where it lies.
static int encoder_next(Encoder* e, int key, const void** data) {
	int cells[CELLS], n = e->number++;
	cells_of(n & 15, cells);
	for (int y = 0; y < HEIGHT; ++y)
		for (int x = 0; x < WIDTH; ++x)
			e->image->planes[0][y * e->image->stride[0] + x] =
				y < HEIGHT / 8 ? (cells[x * CELLS / WIDTH] ? 200 : 40) : 16 + (x + y + 2 * n) / 2 % 200;
	for (int p = 1; p < 3; ++p) memset(e->image->planes[p], 128, e->image->stride[p] * HEIGHT / 2);
	vpx_codec_encode(&e->codec, e->image, n, 1, key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
	vpx_codec_iter_t at = NULL;
	const vpx_codec_cx_pkt_t* packet;
	while ((packet = vpx_codec_get_cx_data(&e->codec, &at)))
		if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
			*data = packet->data.frame.buf;
			return packet->data.frame.sz;
		}
	return 0;
}

static void encoder_free(Encoder* e) {
	vpx_codec_destroy(&e->codec);
	vpx_img_free(e->image);
	free(e);
}

typedef struct { vpx_codec_ctx_t codec; int width; } Decoder;

static Decoder* decoder_new(void) {
	Decoder* d = calloc(1, sizeof *d);
	vpx_codec_dec_init(&d->codec, vpx_codec_vp8_dx(), NULL, 0);
	return d;
}

// -2: not decodable, -1: a picture without a marker, else the number in it.
static int decoder_marker(Decoder* d, const void* data, int size) {
	if (vpx_codec_decode(&d->codec, data, size, NULL, 0)) return -2;
	vpx_codec_iter_t at = NULL;
	vpx_image_t* image = vpx_codec_get_frame(&d->codec, &at);
	if (!image) return -2;
	d->width = image->d_w;
	int seen[CELLS], expected[CELLS];
	const unsigned char* row = image->planes[0] + image->d_h / 16 * image->stride[0];
	for (int i = 0; i < CELLS; ++i) seen[i] = row[(2 * i + 1) * image->d_w / (2 * CELLS)] > 120;
	int number = seen[2] << 3 | seen[3] << 2 | seen[4] << 1 | seen[5];
	cells_of(number, expected);
	return memcmp(seen, expected, sizeof seen) ? -1 : number;
}

static void decoder_free(Decoder* d) {
	vpx_codec_destroy(&d->codec);
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

// Pictures encodes pictures with the marker.
type Pictures struct{ c *C.Encoder }

func newPictures() Pictures { return Pictures{C.encoder_new()} }

func (p Pictures) next(key bool) []byte {
	var data unsafe.Pointer
	wanted := C.int(0)
	if key {
		wanted = 1
	}
	size := C.encoder_next(p.c, wanted, &data)
	return C.GoBytes(data, size)
}

func (p Pictures) free() { C.encoder_free(p.c) }

// Viewer decodes pictures and reads their markers.
type Viewer struct{ c *C.Decoder }

func newViewer() Viewer { return Viewer{C.decoder_new()} }

// look gives the number in the marker, -1 without one, -2 when nothing was decoded.
func (v Viewer) look(frame []byte) int {
	if len(frame) == 0 {
		return -2
	}
	return int(C.decoder_marker(v.c, unsafe.Pointer(&frame[0]), C.int(len(frame))))
}

// width is that of the last picture.
func (v Viewer) width() int { return int(v.c.width) }

func (v Viewer) free() { C.decoder_free(v.c) }

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
