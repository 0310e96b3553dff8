variable "servers" {
  type = map(object({ image_id = string, instance_type = string, zone = string }))
}

provider "jdcloud" {
  region = "cn-east-1"
}

# One block of each kind for all servers.
data "jdcloud_images" "servers" {
  ids = [for server in var.servers : server.image_id]
}

data "jdcloud_instance_types" "servers" {
  names = [for server in var.servers : server.instance_type]
}

data "jdcloud_image_constraints" "servers" {
  ids = [for server in var.servers : server.image_id]
}

locals {
  images = { for image in data.jdcloud_images.servers.images : image.image_id => image }
  types  = { for type in data.jdcloud_instance_types.servers.instance_types : type.instance_type => type }

  servers = {
    for name, server in var.servers : name => merge(server, {
      image    = try(local.images[server.image_id], null)
      type     = try(local.types[server.instance_type], null)
      in_stock = anytrue([for zone in try(local.types[server.instance_type].zones, []) : zone.az == server.zone && zone.in_stock == true])
    })
  }

  # Every reason why the server cannot be created. A property that JD Cloud does not return is null, and not a reason.
  problems = {
    for name, server in local.servers : name => compact([
      server.image == null ? "Image ${server.image_id} does not exist or is not visible to this account." : "",
      coalesce(try(server.image.status, null), "ready") != "ready" ? "Image ${server.image_id} is not ready." : "",
      try(server.image.offline, false) == true ? "Image ${server.image_id} is delisted." : "",
      server.type == null ? "Instance type ${server.instance_type} does not exist in this region." : "",
      server.type != null && !server.in_stock ? "Instance type ${server.instance_type} is not in stock in ${server.zone}." : "",
      try(server.image.architecture != server.type.architecture, false) && try(server.image.architecture, null) != null && try(server.type.architecture, null) != null
      ? "Image ${server.image_id} is for ${server.image.architecture}, instance type ${server.instance_type} is ${server.type.architecture}." : "",
      provider::jdcloud::supports_instance_type(data.jdcloud_image_constraints.servers, server.image_id, server.instance_type)
      ? "" : provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.servers, server.image_id, server.instance_type),
    ])
  }
}

# Stands for the resource that creates the servers.
resource "terraform_data" "server" {
  for_each = var.servers

  input = each.value

  lifecycle {
    precondition {
      condition     = length(local.problems[each.key]) == 0
      error_message = "Server ${each.key} cannot be created. ${join(" ", local.problems[each.key])}"
    }
  }
}
