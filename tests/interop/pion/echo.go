package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// serveEchoes answers POST /offer with {"type":"offer","sdp":...} in kind and sends back what comes:
// RTP packets as they are, messages on their channel.
func serveEchoes() error {
	http.HandleFunc("/offer", func(out http.ResponseWriter, request *http.Request) {
		var offer webrtc.SessionDescription
		if err := json.NewDecoder(request.Body).Decode(&offer); err != nil {
			http.Error(out, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := echo(offer)
		if err != nil {
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(out).Encode(answer)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	return http.Serve(listener, nil)
}

func echo(offer webrtc.SessionDescription) (*webrtc.SessionDescription, error) {
	pc, err := newConnection(Options{})
	if err != nil {
		return nil, err
	}
	pc.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnMessage(func(message webrtc.DataChannelMessage) { _ = send(channel, message) })
	})
	if err := pc.SetRemoteDescription(offer); err != nil {
		return nil, err
	}
	if err := echoTracks(pc); err != nil {
		return nil, err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return nil, err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return nil, err
	}
	<-gathered
	return pc.LocalDescription(), nil
}

// echoTracks gives each transceiver of the offer a track that repeats what the peer sends.
func echoTracks(pc *webrtc.PeerConnection) error {
	back := map[webrtc.RTPCodecType]*webrtc.TrackLocalStaticRTP{}
	for _, transceiver := range pc.GetTransceivers() {
		mime := webrtc.MimeTypeOpus
		if transceiver.Kind() == webrtc.RTPCodecTypeVideo {
			mime = webrtc.MimeTypeVP8
		}
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime},
			transceiver.Kind().String(), "echo")
		if err != nil {
			return err
		}
		sender, err := pc.AddTrack(track)
		if err != nil {
			return err
		}
		go readFeedback(sender.ReadRTCP, make(chan bool))
		back[transceiver.Kind()] = track
	}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		// What came before the first packet that is read here may have been a key frame.
		_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}})
		for {
			packet, _, err := remote.ReadRTP()
			if err != nil {
				return
			}
			// Extensions have other numbers on the way back.
			packet.Extension, packet.Extensions = false, nil
			_ = back[remote.Kind()].WriteRTP(packet)
		}
	})
	return nil
}
