package main

import (
	"bytes"
	"errors"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

func defaultInterceptors(engine *webrtc.MediaEngine) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	return registry, webrtc.RegisterDefaultInterceptors(engine, registry)
}

// Channel is a data channel and what came on it; guarded by the mutex of its call.
type Channel struct {
	channel  *webrtc.DataChannel
	received []webrtc.DataChannelMessage
	closed   bool
}

func (c *Call) adopt(channel *webrtc.DataChannel, echoes bool) {
	one := &Channel{channel: channel}
	var order sync.Mutex
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if echoes {
			order.Lock()
			defer order.Unlock()
			_ = send(channel, message)
			return
		}
		c.mutex.Lock()
		defer c.mutex.Unlock()
		one.received = append(one.received, message)
	})
	channel.OnClose(func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		one.closed = true
	})
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.all = append(c.all, one)
	if !echoes {
		c.channels[channel.Label()] = one
	}
}

// allClosed is asked with the mutex held: there were channels, and none is left.
func (c *Call) allClosed() bool {
	for _, one := range c.all {
		if !one.closed {
			return false
		}
	}
	return len(c.all) > 0
}

func send(channel *webrtc.DataChannel, message webrtc.DataChannelMessage) error {
	if message.IsString {
		return channel.SendText(string(message.Data))
	}
	return channel.Send(message.Data)
}

func messageOf(number, size int, text bool) webrtc.DataChannelMessage {
	data := make([]byte, size)
	for i := range data {
		if text {
			data[i] = byte('a' + (i*7+number)%26)
		} else {
			data[i] = byte(i*31 + number*7)
		}
	}
	return webrtc.DataChannelMessage{IsString: text, Data: data}
}

func equal(a, b webrtc.DataChannelMessage) bool {
	return a.IsString == b.IsString && bytes.Equal(a.Data, b.Data)
}

func compare(sent, received []webrtc.DataChannelMessage) Reply {
	left := append([]webrtc.DataChannelMessage{}, sent...)
	wrong, reordered := 0, 0
next:
	for _, back := range received {
		for i, one := range left {
			if equal(one, back) {
				if i > 0 {
					reordered++
				}
				left = append(left[:i], left[i+1:]...)
				continue next
			}
		}
		wrong++
	}
	return Reply{"sent": len(sent), "back": len(received), "wrong": wrong, "reordered": reordered}
}

func (c *Call) handleData(request Request) (Reply, error) {
	c.mutex.Lock()
	one := c.channels[request.Label]
	c.mutex.Unlock()
	switch request.Do {
	case "channel":
		init := request.Init
		channel, err := c.pc.CreateDataChannel(request.Label, &webrtc.DataChannelInit{
			Ordered: init.Ordered, MaxRetransmits: init.MaxRetransmits,
			MaxPacketLifeTime: init.MaxPacketLifeTime, Protocol: init.Protocol,
			Negotiated: init.Negotiated, ID: init.ID})
		if err != nil {
			return nil, err
		}
		c.adopt(channel, request.Echo)
		return Reply{}, nil
	case "opened":
		return c.opened(request), nil
	case "talk":
		if one == nil {
			return nil, errors.New("no such channel")
		}
		return c.talk(request, one)
	case "hangup":
		if one == nil {
			return nil, errors.New("no such channel")
		}
		if err := one.channel.Close(); err != nil {
			return nil, err
		}
		return Reply{"closed": c.until(request, func() bool { return one.closed }),
			"state": one.channel.ReadyState().String()}, nil
	}
	return nil, errors.New("has no command " + request.Do)
}

func (c *Call) opened(request Request) Reply {
	open := c.until(request, func() bool {
		for _, label := range request.Labels {
			one := c.channels[label]
			if one == nil || one.channel.ReadyState() != webrtc.DataChannelStateOpen {
				return false
			}
		}
		return true
	})
	ids := []int{}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, label := range request.Labels {
		if one := c.channels[label]; one != nil && one.channel.ID() != nil {
			ids = append(ids, int(*one.channel.ID()))
		}
	}
	return Reply{"open": open, "ids": ids}
}

func (c *Call) talk(request Request, one *Channel) (Reply, error) {
	c.mutex.Lock()
	one.received = nil
	c.mutex.Unlock()
	sent := []webrtc.DataChannelMessage{}
	for number, size := range request.Sizes {
		sent = append(sent, messageOf(number, size, request.Text))
		if err := send(one.channel, sent[number]); err != nil {
			return nil, err
		}
	}
	c.until(request, func() bool { return len(one.received) >= len(sent) })
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return compare(sent, one.received), nil
}
