package olddrainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"peers/internal/old"
)

// consume reads partition 0 of the Pump's topic until ctx ends, without a consumer group.
func (s *source) consume(ctx context.Context, from old.Pos) {
	offset := from.Offset
	if offset == old.Oldest {
		offset = kafka.FirstOffset
	}
	topic := old.Topic(s.server.clusterID, s.id)
	for ctx.Err() == nil {
		next, err := s.consumeFrom(ctx, topic, offset)
		if err != nil && ctx.Err() == nil {
			s.server.log.Error("consume "+topic, "error", err)
			time.Sleep(500 * time.Millisecond)
		}
		offset = next
	}
}

func (s *source) consumeFrom(ctx context.Context, topic string, offset int64) (next int64, err error) {
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: strings.Split(s.server.cfg.KafkaAddrs, ","), Topic: topic, Partition: 0,
		MinBytes: 1, MaxBytes: 16 << 20, MaxWait: 200 * time.Millisecond,
		ReadBackoffMin: 50 * time.Millisecond, ReadBackoffMax: 500 * time.Millisecond,
	})
	defer reader.Close()
	if err := reader.SetOffset(offset); err != nil {
		return offset, err
	}
	for {
		message, err := reader.FetchMessage(ctx)
		if err != nil {
			return offset, err
		}
		s.firewalled(ctx)
		var b old.Binlog
		if err := json.Unmarshal(message.Value, &b); err != nil {
			return offset, fmt.Errorf("unmarshal payload error at %d: %w", message.Offset, err)
		}
		s.add(b, old.Pos{Offset: message.Offset})
		offset = message.Offset + 1
	}
}

// pull reads from a Local version's Pump until ctx ends.
func (s *source) pull(ctx context.Context, host string, from old.Pos) {
	for ctx.Err() == nil {
		err := s.pullFrom(ctx, host, &from)
		if ctx.Err() == nil {
			s.server.log.Error("pull from "+s.id, "error", err)
			time.Sleep(500 * time.Millisecond)
		}
	}
}

func (s *source) pullFrom(ctx context.Context, host string, from *old.Pos) error {
	url := fmt.Sprintf("http://%s/standin/pull?from=%d", host, from.Offset)
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return errors.New(reply.Status)
	}
	decoder := json.NewDecoder(reply.Body)
	for {
		var next old.Entity
		if err := decoder.Decode(&next); err != nil {
			return err
		}
		s.firewalled(ctx)
		s.add(next.Binlog, next.Pos)
		*from = next.Pos
	}
}
