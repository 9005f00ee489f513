package main

// The codecs that are negotiated, and what their payload formats need.

import (
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
)

var videoFeedback = []webrtc.RTCPFeedback{{Type: "goog-remb"}, {Type: "ccm", Parameter: "fir"},
	{Type: "nack"}, {Type: "nack", Parameter: "pli"}}

var capabilities = map[string]webrtc.RTPCodecCapability{
	"opus": {MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"},
	"VP8":  {MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: videoFeedback},
	"VP9":  {MimeType: webrtc.MimeTypeVP9, ClockRate: 90000, SDPFmtpLine: "profile-id=0", RTCPFeedback: videoFeedback},
	"H264": {MimeType: webrtc.MimeTypeH264, ClockRate: 90000, RTCPFeedback: videoFeedback,
		SDPFmtpLine: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"},
	"AV1": {MimeType: webrtc.MimeTypeAV1, ClockRate: 90000, RTCPFeedback: videoFeedback},
}

func nameOf(codec webrtc.RTPCodecCapability) string {
	return codec.MimeType[strings.Index(codec.MimeType, "/")+1:]
}

// newEngine has Opus and these codecs of video. The default codecs of Pion 3.1 offer RTX and cannot read it.
func newEngine(videoCodecs []string) (*webrtc.MediaEngine, error) {
	engine := &webrtc.MediaEngine{}
	err := engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: capabilities["opus"], PayloadType: 111},
		webrtc.RTPCodecTypeAudio)
	for i, name := range videoCodecs {
		if err != nil {
			break
		}
		err = engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: capabilities[name],
			PayloadType: webrtc.PayloadType(96 + i)}, webrtc.RTPCodecTypeVideo)
	}
	return engine, err
}

// prefer puts these codecs of video into the next description, in this order and without others.
func prefer(pc *webrtc.PeerConnection, names []string) error {
	wanted := []webrtc.RTPCodecParameters{}
	for _, name := range names {
		wanted = append(wanted, webrtc.RTPCodecParameters{RTPCodecCapability: capabilities[name]})
	}
	for _, transceiver := range pc.GetTransceivers() {
		if transceiver.Kind() == webrtc.RTPCodecTypeVideo {
			if err := transceiver.SetCodecPreferences(wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

// offeredOf leaves those codecs that a description has: Pion would answer with others as well.
func offeredOf(description string, names []string) []string {
	offered := []string{}
	for _, name := range names {
		if strings.Contains(description, " "+name+"/90000") {
			offered = append(offered, name)
		}
	}
	return offered
}

func newPacketizer(codec string, sequence rtp.Sequencer) rtp.Packetizer {
	payloaders := map[string]rtp.Payloader{"opus": &codecs.OpusPayloader{},
		"VP8": &codecs.VP8Payloader{EnablePictureID: true}, "VP9": &codecs.VP9Payloader{},
		"H264": &codecs.H264Payloader{}, "AV1": &codecs.AV1Payloader{}}
	// The track writes payload type and SSRC.
	return rtp.NewPacketizer(1200, 0, 0, payloaders[codec], sequence, capabilities[codec].ClockRate)
}
