package oldpump

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/segmentio/kafka-go"

	"peers/internal/old"
	"peers/internal/zlog"
)

// copyRetry is the pause after Kafka refused something; the real client goes on for 10,000 of them.
const copyRetry = 500 * time.Millisecond

// copier brings the local file to Kafka, behind the writes (facts 3.2). Where it is stands in the file checkpoint.
type copier struct {
	store   *store
	brokers []string
	topic   string
	path    string
	log     *zlog.Logger

	mu      sync.Mutex
	copied  old.Pos // of the file
	inKafka old.Pos // of the last message
	conn    *kafka.Conn
}

func newCopier(store *store, brokers, topic, folder string, log *zlog.Logger) (*copier, error) {
	c := &copier{store: store, brokers: strings.Split(brokers, ","), topic: topic, log: log, path: filepath.Join(folder, "checkpoint")}
	if _, err := toml.DecodeFile(c.path, &c.copied); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return c, c.connect()
}

// connect finds the leader of partition 0; the topic comes to be by asking for it.
func (c *copier) connect() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		for _, broker := range c.brokers {
			if c.conn, err = kafka.DialLeader(ctx, "tcp", broker, c.topic, 0); err == nil {
				return nil
			}
		}
		if !newTopic(err) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("create kafka producer: %w", err)
}

// newTopic tells whether Kafka is just making the topic, or is not far enough yet to do it.
func newTopic(err error) bool {
	return errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.UnknownTopicOrPartition) ||
		errors.Is(err, kafka.InvalidReplicationFactor)
}

// run copies until ctx ends.
func (c *copier) run(ctx context.Context) {
	for ctx.Err() == nil {
		found, grown, err := c.store.read(c.position(), 200)
		if err == nil && len(found) > 0 {
			err = c.send(found)
		}
		switch {
		case err != nil:
			c.log.Error("write binlogs to kafka failed", "error", err)
			time.Sleep(copyRetry)
		case len(found) == 0:
			select {
			case <-ctx.Done():
			case <-grown:
			}
		}
	}
}

func (c *copier) send(found []old.Entity) error {
	var messages []kafka.Message
	for _, next := range found {
		value, err := json.Marshal(next.Binlog)
		if err != nil {
			return err
		}
		messages = append(messages, kafka.Message{Value: value})
	}
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return err
		}
	}
	c.conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _, first, _, err := c.conn.WriteCompressedMessagesAt(nil, messages...)
	if err != nil {
		c.conn.Close()
		c.conn = nil
		return err
	}
	return c.save(found[len(found)-1].Pos, first+int64(len(messages))-1)
}

func (c *copier) save(pos old.Pos, offset int64) error {
	c.mu.Lock()
	c.copied, c.inKafka = pos, old.Pos{Offset: offset}
	c.mu.Unlock()
	text := fmt.Sprintf("Suffix = %d\nOffset = %d\n", pos.Suffix, pos.Offset)
	if err := os.WriteFile(c.path+".tmp", []byte(text), 0600); err != nil {
		return err
	}
	return os.Rename(c.path+".tmp", c.path)
}

// position is how far the local file is in Kafka.
func (c *copier) position() old.Pos {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.copied
}

func (c *copier) kafkaPosition() old.Pos {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inKafka
}
