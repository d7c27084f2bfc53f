package old

import (
	"context"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"peers/internal/registry"
)

// pdTries is how often PD's client is made at a start: about 13 s, then the program ends with 1.
const pdTries = 30

// Connect waits for PD, and gives the cluster's id as the topics' names have it.
func Connect(urls string) (client *clientv3.Client, clusterID string, err error) {
	if client, err = registry.Dial(urls, nil); err != nil {
		return nil, "", err
	}
	for i := 1; i < pdTries; i++ {
		var id int64
		if id, err = firstRead(client); err == nil {
			return client, strconv.FormatInt(id, 10), nil
		}
		time.Sleep(time.Duration(pdTries*i) * time.Millisecond)
	}
	return nil, "", err
}

func firstRead(client *clientv3.Client) (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return registry.ClusterID(ctx, client)
}
