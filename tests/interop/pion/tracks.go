package main

// What came on tracks.

import (
	"sort"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

type attributes = interceptor.Attributes

type rtcpReader func() ([]rtcp.Packet, attributes, error)

// Track counts what came on a track.
type Track struct {
	kind, mid, rid, mime    string
	width, packets          int
	blocks, frames, markers int
	values                  map[int]bool
	hertz                   float64
}

func (c *Call) receive(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	track := &Track{kind: remote.Kind().String(), rid: remote.RID(), values: map[int]bool{}}
	for _, transceiver := range c.pc.GetTransceivers() {
		if transceiver.Receiver() == receiver {
			track.mid = transceiver.Mid()
		}
	}
	c.mutex.Lock()
	c.tracks = append(c.tracks, track)
	c.mutex.Unlock()
	go c.waitForGoodbye(remote, receiver)
	if remote.Kind() == webrtc.RTPCodecTypeAudio {
		c.listen(remote, track)
	} else {
		c.watch(remote, track)
	}
}

// Pion does not follow close_notify, so RTCP BYE tells that a call with media ended.
func (c *Call) waitForGoodbye(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	read := rtcpReader(receiver.ReadRTCP)
	if remote.RID() != "" {
		read = func() ([]rtcp.Packet, attributes, error) {
			return receiver.ReadSimulcastRTCP(remote.RID())
		}
	}
	for {
		packets, _, err := read()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, bye := packet.(*rtcp.Goodbye); bye {
				c.mutex.Lock()
				c.gone = true
				c.mutex.Unlock()
			}
		}
	}
}

func (c *Call) listen(remote *webrtc.TrackRemote, track *Track) {
	meter := newMeter()
	defer meter.free()
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		hertz := meter.add(packet.Payload)
		c.mutex.Lock()
		track.mime = remote.Codec().MimeType
		track.packets++
		track.blocks++
		track.hertz = hertz
		c.mutex.Unlock()
	}
}

func (c *Call) watch(remote *webrtc.TrackRemote, track *Track) {
	var frames Frames
	var viewer *Viewer
	codec := ""
	asked := time.Time{}
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			break
		}
		if now := nameOf(remote.Codec().RTPCodecCapability); now != codec {
			if viewer != nil {
				viewer.free()
			}
			codec, frames, viewer = now, newFrames(now), newViewer(now)
		}
		c.mutex.Lock()
		track.mime = remote.Codec().MimeType
		track.packets++
		c.mutex.Unlock()
		frames.push(packet)
		for frame, whole := frames.pop(); frame != nil; frame, whole = frames.pop() {
			number := viewer.look(frame)
			if (number == -2 || !whole) && time.Since(asked) > 300*time.Millisecond {
				asked = time.Now()
				_ = c.pc.WriteRTCP([]rtcp.Packet{
					&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
			}
			if number != -2 {
				c.count(track, number, viewer.width())
			}
		}
	}
	if viewer != nil {
		viewer.free()
	}
}

func (c *Call) count(track *Track, number, width int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	track.width = width
	track.frames++
	if number >= 0 {
		track.markers++
		track.values[number] = true
	}
}

func (c *Call) counts() Reply {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	// In the order of the sections, whichever began first.
	sort.SliceStable(c.tracks, func(i, j int) bool { return c.tracks[i].mid < c.tracks[j].mid })
	all := []Reply{}
	for _, track := range c.tracks {
		one := Reply{"kind": track.kind, "mid": track.mid}
		if track.kind == "audio" {
			one["blocks"], one["hertz"] = track.blocks, track.hertz
		} else {
			seen := []int{}
			for value := range track.values {
				seen = append(seen, value)
			}
			one["frames"], one["markers"], one["values"] = track.frames, track.markers, len(seen)
			one["seen"], one["rid"], one["width"] = seen, track.rid, track.width
		}
		all = append(all, one)
	}
	return Reply{"tracks": all}
}

// stats has those of the W3C's that are asked for: Pion 3.1 has none of streams.
func (c *Call) stats() Reply {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all := []Reply{}
	add := func(way, kind, mime string, packets int) {
		all = append(all, Reply{"type": "codec", "id": mime, "mimeType": mime},
			Reply{"type": way, "kind": kind, "codecId": mime, "packetsReceived": packets})
	}
	for _, track := range c.tracks {
		add("inbound-rtp", track.kind, track.mime, track.packets)
	}
	for _, source := range c.sources {
		add("outbound-rtp", source.kind, capabilities[source.codec].MimeType, 0)
	}
	return Reply{"stats": all}
}
