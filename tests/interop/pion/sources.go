package main

// What is sent.

import (
	"fmt"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

const (
	soundPeriod   = 20 * time.Millisecond
	picturePeriod = 50 * time.Millisecond
	width, height = 320, 240
)

// Source sends a tone, or pictures. `codec`, `track` and `muted` are guarded by the mutex of its call, the rest
// belongs to who writes.
type Source struct {
	sender    *webrtc.RTPSender
	kind, rid string
	codec     string
	track     *webrtc.TrackLocalStaticRTP
	muted     bool
	keyFrames chan bool

	// Numbers go on whichever track the packets leave by: the sender keeps its SSRC when its track is replaced,
	// and to SRTP what goes back is a replay.
	sequence  rtp.Sequencer
	timestamp uint32
}

// Encoding is one of several of a video, as requests name them.
type Encoding struct {
	RID   string `json:"rid"`
	Scale int    `json:"scaleResolutionDownBy"`
}

func newTrack(codec, rid string) (*webrtc.TrackLocalStaticRTP, error) {
	id := fmt.Sprintf("%s-%d", codec, time.Now().UnixNano())
	if rid == "" {
		return webrtc.NewTrackLocalStaticRTP(capabilities[codec], id, "pion")
	}
	return webrtc.NewTrackLocalStaticRTP(capabilities[codec], "simulcast", "pion", webrtc.WithRTPStreamID(rid))
}

// send adds tracks of these kinds. Of several videos each keeps to four values of the marker when they are to be
// told apart.
func (c *Call) send(kinds []string) error {
	for _, kind := range kinds {
		if kind == "audio" {
			source, err := c.addSource(kind, "opus", "", c.addTrack)
			if err != nil {
				return err
			}
			go c.speak(source)
			continue
		}
		first, values := 0, 16
		if c.options.Apart {
			first, values = 4*c.videos(), 4
		}
		source, err := c.addSource(kind, c.options.videoCodecs()[0], "", c.addTrack)
		if err != nil {
			return err
		}
		go c.show(source, width, height, first, values)
	}
	return nil
}

// sendEncodings sends one video in several encodings, of which the second of three is as large as other videos.
func (c *Call) sendEncodings(encodings []Encoding) error {
	var sender *webrtc.RTPSender
	add := c.addTrack
	for _, encoding := range encodings {
		source, err := c.addSource("video", "VP8", encoding.RID, add)
		if err != nil {
			return err
		}
		sender = source.sender
		add = func(track webrtc.TrackLocal) (*webrtc.RTPSender, error) { return sender, sender.AddEncoding(track) }
		go c.show(source, 2*width/encoding.Scale, 2*height/encoding.Scale, 0, 16)
	}
	return nil
}

func (c *Call) addTrack(track webrtc.TrackLocal) (*webrtc.RTPSender, error) {
	return c.pc.AddTrack(track)
}

func (c *Call) addSource(kind, codec, rid string,
	add func(webrtc.TrackLocal) (*webrtc.RTPSender, error)) (*Source, error) {
	track, err := newTrack(codec, rid)
	if err != nil {
		return nil, err
	}
	sender, err := add(track)
	if err != nil {
		return nil, err
	}
	source := &Source{sender: sender, kind: kind, rid: rid, codec: codec, track: track,
		keyFrames: make(chan bool, 1), sequence: rtp.NewRandomSequencer()}
	read := rtcpReader(sender.ReadRTCP)
	if rid != "" {
		read = func() ([]rtcp.Packet, attributes, error) { return sender.ReadSimulcastRTCP(rid) }
	}
	go readFeedback(read, source.keyFrames)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.sources = append(c.sources, source)
	return source, nil
}

func (c *Call) videos() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	videos := 0
	for _, source := range c.sources {
		if source.kind == "video" {
			videos++
		}
	}
	return videos
}

func readFeedback(read rtcpReader, keyFrames chan<- bool) {
	for {
		packets, _, err := read()
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

func wanted(keyFrames <-chan bool) bool {
	select {
	case <-keyFrames:
		return true
	default:
		return false
	}
}

// now gives the track to write to, nil while there is none, and its codec.
func (c *Call) now(source *Source) (*webrtc.TrackLocalStaticRTP, string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if source.muted {
		return nil, source.codec
	}
	return source.track, source.codec
}

func (c *Call) speak(source *Source) {
	tone := newTone()
	defer tone.free()
	packetizer := newPacketizer("opus", source.sequence)
	c.every(soundPeriod, func() {
		if track, codec := c.now(source); track != nil {
			c.write(source, track, packetizer.Packetize(tone.next(), 0), soundPeriod, codec)
		}
	})
}

func (c *Call) show(source *Source, width, height, first, values int) {
	var pictures *Pictures
	var packetizer rtp.Packetizer
	encoding := ""
	c.every(picturePeriod, func() {
		track, codec := c.now(source)
		if track == nil {
			return
		}
		if codec != encoding {
			if pictures != nil {
				pictures.free()
			}
			encoding = codec
			pictures = newPictures(codec, width, height, first, values)
			packetizer = newPacketizer(codec, source.sequence)
		}
		frame := pictures.next(wanted(source.keyFrames))
		c.write(source, track, packetizer.Packetize(frame, 0), picturePeriod, codec)
	})
	if pictures != nil {
		pictures.free()
	}
}

// write sends the packets of a frame. Those of an encoding carry mid and rid, which Pion leaves to the
// application.
func (c *Call) write(source *Source, track *webrtc.TrackLocalStaticRTP, packets []*rtp.Packet,
	period time.Duration, codec string) {
	extensions := map[uint8]string{}
	if source.rid != "" {
		values := map[string]string{sdp.SDESMidURI: c.midOf(source.sender), sdp.SDESRTPStreamIDURI: source.rid}
		for _, extension := range source.sender.GetParameters().HeaderExtensions {
			if value, known := values[extension.URI]; known {
				extensions[uint8(extension.ID)] = value
			}
		}
	}
	for _, packet := range packets {
		packet.Timestamp = source.timestamp
		for id, value := range extensions {
			_ = packet.SetExtension(id, []byte(value))
		}
		_ = track.WriteRTP(packet)
	}
	source.timestamp += uint32(period * time.Duration(capabilities[codec].ClockRate) / time.Second)
}

func (c *Call) midOf(sender *webrtc.RTPSender) string {
	for _, transceiver := range c.pc.GetTransceivers() {
		if transceiver.Sender() == sender {
			return transceiver.Mid()
		}
	}
	return ""
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

// mute takes the tracks from their senders, or gives them back.
func (c *Call) mute(muted bool) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, source := range c.sources {
		var track webrtc.TrackLocal
		if !muted {
			track = source.track
		}
		if err := source.sender.ReplaceTrack(track); err != nil {
			return err
		}
		source.muted = muted
	}
	return nil
}

// followNegotiation gives senders of video a track of the codec that is preferred now.
func (c *Call) followNegotiation() error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, source := range c.sources {
		used := source.sender.GetParameters().Codecs
		if source.kind != "video" || len(used) == 0 || used[0].MimeType == capabilities[source.codec].MimeType {
			continue
		}
		codec := nameOf(used[0].RTPCodecCapability)
		track, err := newTrack(codec, source.rid)
		if err != nil {
			return err
		}
		if err := source.sender.ReplaceTrack(track); err != nil {
			return err
		}
		source.codec, source.track = codec, track
	}
	return nil
}
