#include "standin/protobuf.h"

#include <chrono>
#include <string_view>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "k8s/apimachinery/api.pb.h"
#include "k8s/resource/v1/api.pb.h"
#include "kube/rfc3339.h"
#include "standin/json_access.h"

namespace simgpu::standin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

void fill(Message& message, const json& object);

/// What has another form in JSON than an object with the fields of the message.
bool fillSpecial(Message& message, const json& value) {
  if (auto* quantity = dynamic_cast<k8s::io::apimachinery::Quantity*>(&message)) {
    quantity->set_string(value.get<std::string>());
  } else if (auto* extension = dynamic_cast<k8s::io::apimachinery::RawExtension*>(&message)) {
    extension->set_raw(value.dump());
  } else if (auto* time = dynamic_cast<k8s::io::apimachinery::Time*>(&message)) {
    if (auto point = kube::parseRfc3339(value.get<std::string>())) {
      time->set_seconds(std::chrono::floor<std::chrono::seconds>(*point).time_since_epoch().count());
    }
  } else {
    return false;
  }
  return true;
}

/// A value of a field, or one of its values.
void put(Message& message, const FieldDescriptor& field, const json& value) {
  const auto& access = *message.GetReflection();
  bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      list ? access.AddString(&message, &field, value.get<std::string>())
           : access.SetString(&message, &field, value.get<std::string>());
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      access.SetBool(&message, &field, value.get<bool>());
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      access.SetInt32(&message, &field, value.get<std::int32_t>());
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      access.SetInt64(&message, &field, value.get<std::int64_t>());
      break;
    default: {
      Message& inner = *(list ? access.AddMessage(&message, &field) : access.MutableMessage(&message, &field));
      if (!fillSpecial(inner, value)) {
        fill(inner, value);
      }
    }
  }
}

void putMember(Message& message, const FieldDescriptor& field, const std::string& name, const json& value) {
  Message& entry = *message.GetReflection()->AddMessage(&message, &field);
  put(entry, *entry.GetDescriptor()->map_key(), name);
  put(entry, *entry.GetDescriptor()->map_value(), value);
}

void fill(Message& message, const json& object) {
  const auto& fields = *message.GetDescriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const FieldDescriptor& field = *fields.field(i);
    if (field.name() == "deviceConfiguration") {  // Go embeds it, so that JSON has its members one level higher
      put(message, field, object);
      continue;
    }
    const json& value = at(object, field.name());
    if (value.is_null()) {
      continue;
    }
    if (field.is_map()) {
      for (const auto& [name, member] : value.items()) {
        putMember(message, field, name, member);
      }
    } else if (field.is_repeated()) {
      for (const json& element : value) {
        put(message, field, element);
      }
    } else {
      put(message, field, value);
    }
  }
}

std::string enveloped(const json& object, Message&& message) {
  fill(message, object);
  k8s::io::apimachinery::Unknown envelope;
  envelope.mutable_typemeta()->set_apiversion(textAt(object, "apiVersion"));
  envelope.mutable_typemeta()->set_kind(textAt(object, "kind"));
  envelope.set_raw(message.SerializeAsString());
  return std::string("k8s\0", 4) + envelope.SerializeAsString();
}

}  // namespace

std::optional<std::string> protobufOf(const json& object) {
  const auto kind = textAt(object, "kind");
  const auto version = textAt(object, "apiVersion");
  if (kind == "Status" && version == "v1") {
    return enveloped(object, k8s::io::apimachinery::Status());
  }
  if (kind == "ResourceClaim" && version == "resource.k8s.io/v1") {
    return enveloped(object, k8s::io::api::resource::v1::ResourceClaim());
  }
  return std::nullopt;
}

}  // namespace simgpu::standin
