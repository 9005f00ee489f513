package main

// Frames from packets.

import (
	"encoding/binary"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/rtp/pkg/frame"
	"github.com/pion/webrtc/v3/pkg/media/samplebuilder"
)

// Frames puts packets of video together. Pion's sample builder waits for 40 packets before it takes one for lost.
type Frames struct {
	builder *samplebuilder.SampleBuilder
	av1     bool
}

func newFrames(codec string) Frames {
	formats := map[string]rtp.Depacketizer{"VP8": &codecs.VP8Packet{}, "VP9": &codecs.VP9Packet{},
		"H264": &codecs.H264Packet{}, "AV1": av1Payloads{}}
	return Frames{builder: samplebuilder.New(40, formats[codec], 90000), av1: codec == "AV1"}
}

func (f Frames) push(packet *rtp.Packet) { f.builder.Push(packet) }

// pop gives the next frame, nil without one, and whether none was lost before it.
func (f Frames) pop() ([]byte, bool) {
	sample := f.builder.Pop()
	if sample == nil {
		return nil, true
	}
	data := sample.Data
	if f.av1 {
		data = temporalUnit(data)
	}
	return data, sample.PrevDroppedPackets == 0
}

// av1Payloads hands payloads to the sample builder as they are, each behind its length: an OBU can only be
// written when all of its pieces are there.
type av1Payloads struct{}

func (av1Payloads) Unmarshal(payload []byte) ([]byte, error) {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(payload))), payload...), nil
}

func (av1Payloads) IsPartitionHead(payload []byte) bool {
	return len(payload) > 0 && payload[0]&0x80 == 0
}

func (av1Payloads) IsPartitionTail(marker bool, _ []byte) bool { return marker }

// temporalUnit is what decoders take: OBUs that have their sizes.
func temporalUnit(payloads []byte) []byte {
	const hasSize, hasExtension = 0x02, 0x04
	unit := []byte{}
	var obus frame.AV1
	for len(payloads) > 2 {
		size := 2 + int(binary.BigEndian.Uint16(payloads))
		var packet codecs.AV1Packet
		if _, err := packet.Unmarshal(payloads[2:size]); err != nil {
			return []byte{}
		}
		whole, _ := obus.ReadFrames(&packet)
		for _, obu := range whole {
			header := 1
			if obu[0]&hasExtension != 0 {
				header = 2
			}
			unit = append(unit, obu[0]|hasSize)
			unit = append(unit, obu[1:header]...)
			unit = binary.AppendUvarint(unit, uint64(len(obu)-header))
			unit = append(unit, obu[header:]...)
		}
		payloads = payloads[size:]
	}
	return unit
}
