variable "image_id" {
  type    = string
  default = "img-ubuntu2204c"
}

variable "zones" {
  type    = set(string)
  default = ["cn-east-1a", "cn-east-1b", "cn-east-1c"]
}

variable "preferred_types" {
  description = "Instance types, the most preferred first."
  type        = list(string)
}

provider "jdcloud" {
  region = "cn-east-1"
}

# With zones and in_stock: in stock in each of the zones.
data "jdcloud_instance_types" "in_stock" {
  names    = var.preferred_types
  zones    = var.zones
  in_stock = true
}

data "jdcloud_image_constraints" "image" {
  ids        = [var.image_id]
  on_missing = "verify"
}

locals {
  # The data source sorts by size; this keeps the order of the preferences.
  in_stock = [
    for name in var.preferred_types : name
    if contains(data.jdcloud_instance_types.in_stock.instance_type_names, name)
  ]
  usable = provider::jdcloud::filter_instance_types(
    data.jdcloud_image_constraints.image, var.image_id, local.in_stock
  )
}

# Stands for the resources that create one server in each zone.
resource "terraform_data" "servers" {
  input = {
    image_id      = var.image_id
    instance_type = try(local.usable[0], null)
    zones         = var.zones
  }

  lifecycle {
    precondition {
      condition = length(local.usable) > 0
      error_message = <<-EOT
        None of ${join(", ", var.preferred_types)} can be used.
        In stock in all of ${join(", ", var.zones)}: ${join(", ", concat(local.in_stock, length(local.in_stock) == 0 ? ["none"] : []))}.
        ${join("\n", [
      for name in local.in_stock :
      provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.image, var.image_id, name)
])}
      EOT
}
}
}

output "instance_type" {
  value = terraform_data.servers.input.instance_type
}
