// Pion as one end of calls: answers requests on standard input (docs/interop.md lists them).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// Request has the members of all requests.
type Request struct {
	ID         int                 `json:"id"`
	Do         string              `json:"do"`
	Media      []string            `json:"media"`
	Directions map[string][]string `json:"directions"`
	Restart    bool                `json:"restart"`
	SDP        string              `json:"sdp"`
	Seconds    *float64            `json:"seconds"`
	Label      string              `json:"label"`
	Labels     []string            `json:"labels"`
	Echo       bool                `json:"echo"`
	Init       struct {
		Ordered           *bool   `json:"ordered"`
		MaxRetransmits    *uint16 `json:"maxRetransmits"`
		MaxPacketLifeTime *uint16 `json:"maxPacketLifeTime"`
		Protocol          *string `json:"protocol"`
		Negotiated        *bool   `json:"negotiated"`
		ID                *uint16 `json:"id"`
	} `json:"init"`
	Sizes []int `json:"sizes"`
	Text  bool  `json:"text"`

	Codecs    []string   `json:"codecs"`
	Encodings []Encoding `json:"encodings"`
	Muted     bool       `json:"muted"`
	Options
}

// Options are what "start" chooses.
type Options struct {
	VideoCodecs []string `json:"videoCodecs"`
	Apart       bool     `json:"apart"`
	DTLSRole    string   `json:"peerDtlsRole"` // of an answer
}

func (o Options) videoCodecs() []string {
	if len(o.VideoCodecs) > 0 {
		return o.VideoCodecs
	}
	return []string{"VP8"}
}

// Reply is what a request is answered with, beside its id.
type Reply map[string]interface{}

// Call is one connection. Everything below mutex is guarded by it.
type Call struct {
	pc      *webrtc.PeerConnection
	options Options

	mutex       sync.Mutex
	states      []string
	described   time.Time
	connectedAt time.Time
	gone        bool
	ended       chan struct{}
	tracks      []*Track
	sources     []*Source
	channels    map[string]*Channel // those that a test talks on
	all         []*Channel
}

func newConnection(options Options) (*webrtc.PeerConnection, error) {
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	if options.DTLSRole == "server" {
		if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			return nil, err
		}
	}
	engine, err := newEngine(options.videoCodecs())
	if err != nil {
		return nil, err
	}
	for _, uri := range []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI} {
		err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri},
			webrtc.RTPCodecTypeVideo)
		if err != nil {
			return nil, err
		}
	}
	interceptors, err := defaultInterceptors(engine)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(interceptors))
	return api.NewPeerConnection(webrtc.Configuration{})
}

func newCall(options Options) (*Call, error) {
	pc, err := newConnection(options)
	if err != nil {
		return nil, err
	}
	c := &Call{pc: pc, options: options, ended: make(chan struct{}), channels: map[string]*Channel{}}
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.states = append(c.states, state.String())
		if state == webrtc.PeerConnectionStateConnected {
			if c.connectedAt.IsZero() {
				c.connectedAt = time.Now()
			}
		} else if !c.connectedAt.IsZero() {
			c.gone = true
		}
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) { c.receive(track, receiver) })
	pc.OnDataChannel(func(channel *webrtc.DataChannel) { c.adopt(channel, true) })
	return c, nil
}

func (c *Call) close() {
	c.mutex.Lock()
	select {
	case <-c.ended:
	default:
		close(c.ended)
	}
	c.mutex.Unlock()
	_ = c.pc.Close()
}

func (c *Call) describe(description webrtc.SessionDescription) (Reply, error) {
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(description); err != nil {
		return nil, err
	}
	<-gathered
	c.mutex.Lock()
	c.described = time.Now()
	c.mutex.Unlock()
	return Reply{"sdp": c.pc.LocalDescription().SDP}, nil
}

func (c *Call) offer(request Request) (Reply, error) {
	if len(request.Encodings) > 0 {
		if err := c.sendEncodings(request.Encodings); err != nil {
			return nil, err
		}
	} else if err := c.send(request.Media); err != nil {
		return nil, err
	}
	for _, kind := range request.Directions["recvonly"] {
		_, err := c.pc.AddTransceiverFromKind(webrtc.NewRTPCodecType(kind),
			webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			return nil, err
		}
	}
	if len(request.Codecs) > 0 {
		if err := prefer(c.pc, request.Codecs); err != nil {
			return nil, err
		}
	}
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: request.Restart})
	if err != nil {
		return nil, err
	}
	return c.describe(offer)
}

func (c *Call) answer(request Request) (Reply, error) {
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: request.SDP})
	if err != nil {
		return nil, err
	}
	if err := c.send(request.Media); err != nil {
		return nil, err
	}
	if err := prefer(c.pc, offeredOf(request.SDP, c.options.videoCodecs())); err != nil {
		return nil, err
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	reply, err := c.describe(answer)
	if err != nil {
		return nil, err
	}
	return reply, c.followNegotiation()
}

func (c *Call) accept(request Request) (Reply, error) {
	c.mutex.Lock()
	c.described = time.Now()
	c.mutex.Unlock()
	err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: request.SDP})
	if err != nil {
		return nil, err
	}
	return Reply{}, c.followNegotiation()
}

// until waits for a condition that is asked with the mutex held, and says whether it holds.
func (c *Call) until(request Request, condition func() bool) bool {
	seconds := 8.0
	if request.Seconds != nil {
		seconds = *request.Seconds
	}
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); ; time.Sleep(5 * time.Millisecond) {
		c.mutex.Lock()
		holds := condition()
		c.mutex.Unlock()
		if holds || time.Now().After(end) {
			return holds
		}
	}
}

func (c *Call) handle(request Request) (Reply, error) {
	switch request.Do {
	case "offer":
		return c.offer(request)
	case "answer":
		return c.answer(request)
	case "accept":
		return c.accept(request)
	case "connected":
		connected := c.until(request, func() bool { return !c.connectedAt.IsZero() })
		c.mutex.Lock()
		defer c.mutex.Unlock()
		reply := Reply{"connected": connected, "states": strings.Join(c.states, " ")}
		if connected {
			reply["ms"] = float64(c.connectedAt.Sub(c.described).Microseconds()) / 1000
		}
		return reply, nil
	case "gone":
		gone := c.until(request, func() bool { return c.gone || c.allClosed() })
		return Reply{"gone": gone, "states": strings.Join(c.states, " ")}, nil
	case "counts":
		return c.counts(), nil
	case "stats":
		return c.stats(), nil
	case "mute":
		return Reply{}, c.mute(request.Muted)
	case "close":
		c.close()
		return Reply{}, nil
	}
	return c.handleData(request)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		fmt.Fprintln(os.Stderr, serveEchoes())
		os.Exit(1)
	}
	var output sync.Mutex
	var call *Call
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			continue
		}
		if request.Do == "start" {
			if call != nil {
				call.close()
			}
			call, _ = newCall(request.Options)
		}
		go func(call *Call) {
			reply, err := Reply{"version": "3.1.56"}, error(nil)
			if request.Do != "start" {
				reply, err = call.handle(request)
			}
			if err != nil {
				reply = Reply{"error": err.Error()}
			}
			reply["id"] = request.ID
			text, _ := json.Marshal(reply)
			output.Lock()
			defer output.Unlock()
			fmt.Println(string(text))
		}(call)
	}
	if call != nil {
		call.close()
	}
}
