package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	healthv1 "k8s.io/kubelet/pkg/apis/dra-health/v1"
	healthv1alpha1 "k8s.io/kubelet/pkg/apis/dra-health/v1alpha1"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	drav1beta1 "k8s.io/kubelet/pkg/apis/dra/v1beta1"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// kubeletFiles are the contracts that must be the same on both sides, neither more nor less.
func kubeletFiles() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	for _, message := range []proto.Message{&drav1.Claim{}, &drav1beta1.Claim{}, &healthv1.DeviceHealth{},
		&healthv1alpha1.DeviceHealth{}, &registerapi.PluginInfo{}} {
		files = append(files, message.ProtoReflect().Descriptor().ParentFile())
	}
	return files
}

// outline is one line for each field, enum value and method, with everything that matters on the wire.
func outline(file protoreflect.FileDescriptor) map[string]bool {
	lines := map[string]bool{}
	var ofMessages func(messages protoreflect.MessageDescriptors)
	ofEnums := func(enums protoreflect.EnumDescriptors) {
		for i := range enums.Len() {
			for j := range enums.Get(i).Values().Len() {
				value := enums.Get(i).Values().Get(j)
				lines[fmt.Sprintf("enum %s %s = %d", enums.Get(i).FullName(), value.Name(), value.Number())] = true
			}
		}
	}
	ofMessages = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			message := messages.Get(i)
			lines[fmt.Sprintf("message %s", message.FullName())] = true
			for j := range message.Fields().Len() {
				field := message.Fields().Get(j)
				target := ""
				if field.Message() != nil {
					target = string(field.Message().FullName())
				} else if field.Enum() != nil {
					target = string(field.Enum().FullName())
				}
				lines[fmt.Sprintf("field %s = %d %v %v %s optional=%v packed=%v", field.FullName(), field.Number(),
					field.Cardinality(), field.Kind(), target, field.HasOptionalKeyword(), field.IsPacked())] = true
			}
			ofEnums(message.Enums())
			ofMessages(message.Messages())
		}
	}
	ofMessages(file.Messages())
	ofEnums(file.Enums())
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		for j := range service.Methods().Len() {
			method := service.Methods().Get(j)
			lines[fmt.Sprintf("method %s (%s %v) (%s %v)", method.FullName(), method.Input().FullName(),
				method.IsStreamingClient(), method.Output().FullName(), method.IsStreamingServer())] = true
		}
	}
	return lines
}

func (c *checker) contains(what string, all, some map[string]bool) {
	for line := range some {
		if !all[line] {
			c.failf("%s lacks: %s", what, line)
		}
	}
}

// checkContracts compares the descriptors of both sides.
func checkContracts(c *checker, program string) {
	output, err := exec.Command(program, "descriptors").Output()
	if !c.noError("descriptors", err) {
		return
	}
	var set descriptorpb.FileDescriptorSet
	if !c.noError("descriptors", proto.Unmarshal(output, &set)) {
		return
	}
	ours := map[protoreflect.FullName]map[string]bool{}
	for _, one := range set.File {
		file, err := protodesc.NewFile(one, &protoregistry.Files{})
		if c.noError("descriptor "+one.GetName(), err) {
			ours[file.Package()] = outline(file)
		}
	}
	for _, file := range kubeletFiles() {
		theirs := outline(file)
		c.contains("the C++ side of "+string(file.Package()), ours[file.Package()], theirs)
		c.contains("the Go side of "+string(file.Package()), theirs, ours[file.Package()])
	}
	// Newer versions of this one have methods that nobody needs here.
	file := grpc_health_v1.File_grpc_health_v1_health_proto
	c.contains("the Go side of grpc.health.v1", outline(file), ours[file.Package()])
	c.equal("contracts", len(ours), len(kubeletFiles())+1)
}

// fill sets every field to a value of its own.
func fill(message protoreflect.Message, next *int) {
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.IsMap():
			for range 2 {
				value := message.Mutable(field).Map().NewValue()
				fill(value.Message(), next)
				*next++
				message.Mutable(field).Map().Set(protoreflect.ValueOfString(fmt.Sprintf("key-%d", *next)).MapKey(), value)
			}
		case field.IsList() && field.Message() != nil:
			for range 2 {
				fill(message.Mutable(field).List().AppendMutable().Message(), next)
			}
		case field.IsList():
			for range 2 {
				message.Mutable(field).List().Append(scalar(field, next))
			}
		case field.Message() != nil:
			fill(message.Mutable(field).Message(), next)
		default:
			message.Set(field, scalar(field, next))
		}
	}
}

func scalar(field protoreflect.FieldDescriptor, next *int) protoreflect.Value {
	*next++
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(2)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1<<40 + int64(*next))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("%s-ä-%d", field.Name(), *next))
	}
	panic("no value for a field of kind " + field.Kind().String())
}

// samples has each message twice: with all fields, and with none.
func samples() []proto.Message {
	next := 0
	var all []proto.Message
	for _, file := range kubeletFiles() {
		for i := range file.Messages().Len() {
			kind, err := protoregistry.GlobalTypes.FindMessageByName(file.Messages().Get(i).FullName())
			if err != nil {
				panic(err)
			}
			full := kind.New()
			fill(full, &next)
			all = append(all, full.Interface(), kind.New().Interface())
		}
	}
	// Present, but empty, is not the same as absent.
	return append(all, &drav1.Device{ShareId: proto.String("")})
}

// checkCodec lets the C++ side parse each message, write it again, and say what it has understood.
func checkCodec(c *checker, program string) {
	messages := samples()
	var input bytes.Buffer
	for _, message := range messages {
		encoded, err := proto.Marshal(message)
		c.noError("marshal", err)
		fmt.Fprintf(&input, "%s %s\n", message.ProtoReflect().Descriptor().FullName(), hex.EncodeToString(encoded))
	}
	command := exec.Command(program, "recode")
	command.Stdin = &input
	output, err := command.Output()
	if !c.noError("recode", err) {
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(output), "\n"), "\n")
	if len(lines) != len(messages) {
		c.failf("%d messages came back of %d", len(lines), len(messages))
		return
	}
	for i, message := range messages {
		what := string(message.ProtoReflect().Descriptor().FullName())
		encoded, json, _ := strings.Cut(lines[i], " ")
		again := message.ProtoReflect().New().Interface()
		understood := message.ProtoReflect().New().Interface()
		decoded, err := hex.DecodeString(encoded)
		if c.noError(what, err) && c.noError(what, proto.Unmarshal(decoded, again)) {
			c.sameMessage(what+" written by C++", again, message)
		}
		if c.noError(what, protojson.Unmarshal([]byte(json), understood)) {
			c.sameMessage(what+" understood by C++", understood, message)
		}
	}
}
