package main

// What is sent on tracks, and what came on them.

import (
	"fmt"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/samplebuilder"
)

// Track counts what came on a track.
type Track struct {
	kind, mid, rid          string
	width                   int
	blocks, frames, markers int
	values                  map[int]bool
	hertz                   float64
}

func (c *Call) send(kinds []string) error {
	for _, kind := range kinds {
		mime := map[string]string{"audio": webrtc.MimeTypeOpus, "video": webrtc.MimeTypeVP8}[kind]
		track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime},
			fmt.Sprintf("%s-%d", kind, time.Now().UnixNano()), "pion")
		if err != nil {
			return err
		}
		sender, err := c.pc.AddTrack(track)
		if err != nil {
			return err
		}
		keyFrames := make(chan bool, 1)
		go readFeedback(sender, keyFrames)
		if kind == "audio" {
			go c.speak(track)
		} else {
			go c.show(track, keyFrames)
		}
	}
	return nil
}

func readFeedback(sender *webrtc.RTPSender, keyFrames chan<- bool) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				select {
				case keyFrames <- true:
				default:
				}
			}
		}
	}
}

func (c *Call) speak(track *webrtc.TrackLocalStaticSample) {
	tone := newTone()
	defer tone.free()
	c.every(20*time.Millisecond, func() {
		_ = track.WriteSample(media.Sample{Data: tone.next(), Duration: 20 * time.Millisecond})
	})
}

func (c *Call) show(track *webrtc.TrackLocalStaticSample, keyFrames <-chan bool) {
	pictures := newPictures()
	defer pictures.free()
	c.every(50*time.Millisecond, func() {
		key := false
		select {
		case key = <-keyFrames:
		default:
		}
		_ = track.WriteSample(media.Sample{Data: pictures.next(key), Duration: 50 * time.Millisecond})
	})
}

// Not by a ticker, which leaves out what a busy host made late.
func (c *Call) every(period time.Duration, work func()) {
	for due := time.Now().Add(period); ; due = due.Add(period) {
		select {
		case <-c.ended:
			return
		case <-time.After(time.Until(due)):
			work()
		}
	}
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
	read := receiver.ReadRTCP
	if remote.RID() != "" {
		read = func() ([]rtcp.Packet, interceptor.Attributes, error) {
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
		track.blocks++
		track.hertz = hertz
		c.mutex.Unlock()
	}
}

func (c *Call) watch(remote *webrtc.TrackRemote, track *Track) {
	viewer := newViewer()
	defer viewer.free()
	builder := samplebuilder.New(40, &codecs.VP8Packet{}, remote.Codec().ClockRate)
	asked := time.Time{}
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		builder.Push(packet)
		for sample := builder.Pop(); sample != nil; sample = builder.Pop() {
			number := viewer.look(sample.Data)
			if (number == -2 || sample.PrevDroppedPackets > 0) && time.Since(asked) > 300*time.Millisecond {
				asked = time.Now()
				_ = c.pc.WriteRTCP([]rtcp.Packet{
					&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
			}
			if number == -2 {
				continue
			}
			c.mutex.Lock()
			track.width = viewer.width()
			track.frames++
			if number >= 0 {
				track.markers++
				track.values[number] = true
			}
			c.mutex.Unlock()
		}
	}
}

func (c *Call) counts() Reply {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	all := []Reply{}
	for _, track := range c.tracks {
		one := Reply{"kind": track.kind, "mid": track.mid}
		if track.kind == "audio" {
			one["blocks"], one["hertz"] = track.blocks, track.hertz
		} else {
			one["frames"], one["markers"], one["values"] = track.frames, track.markers, len(track.values)
			one["rid"], one["width"] = track.rid, track.width
		}
		all = append(all, one)
	}
	return Reply{"tracks": all}
}
