// As many clients as asked for that list and watch what kube-proxy 1.37 does (cmd/kube-proxy/app/server.go): informers of client-go with
// protobuf, each with connections of its own. It prints a line of JSON five times a second.
//
//	informers N KUBECONFIG
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const selector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name"

var listed, events atomic.Int64

func main() {
	clients, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	stop := make(chan struct{})
	for i := range clients {
		go follow(fmt.Sprintf("node-%d", i), stop)
	}
	for {
		fmt.Printf("{\"listed\":%d,\"events\":%d}\n", listed.Load(), events.Load())
		time.Sleep(200 * time.Millisecond)
	}
}

func follow(node string, stop chan struct{}) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[2])
	if err != nil {
		panic(err)
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	// client-go shares the transports of equal configurations: with a dialer of its own each client has its own connection.
	config.Dial = (&net.Dialer{}).DialContext
	client := kubernetes.NewForConfigOrDie(config)
	services := informers.NewSharedInformerFactoryWithOptions(client, 15*time.Minute,
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = selector }))
	nodes := informers.NewSharedInformerFactoryWithOptions(client, 15*time.Minute,
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.FieldSelector = "metadata.name=" + node }))
	ranges := informers.NewSharedInformerFactory(client, 15*time.Minute)
	counted := cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(any, any) { events.Add(1) },
		DeleteFunc: func(any) { events.Add(1) },
	}
	all := []cache.SharedIndexInformer{
		services.Core().V1().Services().Informer(),
		services.Discovery().V1().EndpointSlices().Informer(),
		nodes.Core().V1().Nodes().Informer(),
		ranges.Networking().V1().ServiceCIDRs().Informer(),
	}
	for _, informer := range all {
		if _, err := informer.AddEventHandler(counted); err != nil {
			panic(err)
		}
		go informer.Run(stop)
	}
	for _, informer := range all {
		cache.WaitForCacheSync(stop, informer.HasSynced)
	}
	listed.Add(1)
}
