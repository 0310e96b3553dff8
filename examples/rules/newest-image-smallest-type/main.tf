variable "os_version" {
  type    = string
  default = "22.04"
}

variable "zone" {
  type    = string
  default = "cn-east-1a"
}

variable "min_cpu" {
  type    = number
  default = 2
}

provider "jdcloud" {
  region = "cn-east-1"
}

# The newest image comes first.
data "jdcloud_images" "ubuntu" {
  image_source = "public"
  platform     = "Ubuntu"
  os_version   = var.os_version
  architecture = "x86_64"
}

# The smallest instance type comes first.
data "jdcloud_instance_types" "in_stock" {
  zones         = [var.zone]
  in_stock      = true
  architecture  = "x86_64" # as the image's
  min_cpu       = var.min_cpu
  min_memory_mb = 4096
}

locals {
  image_id = try(data.jdcloud_images.ubuntu.image_ids[0], null)
  in_stock = data.jdcloud_instance_types.in_stock.instance_type_names
}

data "jdcloud_image_constraints" "ubuntu" {
  ids = local.image_id[*] # no element if there is no image
}

locals {
  supported = local.image_id == null ? [] : provider::jdcloud::filter_instance_types(
    data.jdcloud_image_constraints.ubuntu, local.image_id, local.in_stock
  )

  # One sentence for each reason why no server can be created.
  problem = (
    local.image_id == null
    ? "There is no public image of Ubuntu ${var.os_version}."
    : length(local.in_stock) == 0
    ? "No instance type with at least ${var.min_cpu} CPUs and 4 GB of memory for image ${local.image_id} is in stock in ${var.zone}."
    : length(local.supported) == 0
    ? "Of the instance types in stock in ${var.zone}, image ${local.image_id} supports none. The smallest: ${provider::jdcloud::explain_instance_type(data.jdcloud_image_constraints.ubuntu, local.image_id, local.in_stock[0])}"
    : null
  )
}

# Stands for the resource that creates the server.
resource "terraform_data" "server" {
  input = {
    image_id      = local.image_id
    instance_type = try(local.supported[0], null)
    zone          = var.zone
  }

  lifecycle {
    # A newer image, or a smaller instance type that is in stock again, must not replace or change a server that runs.
    # In the resource of a server: ignore_changes = [image_id, instance_type].
    ignore_changes = [input]

    precondition {
      condition     = local.problem == null
      error_message = coalesce(local.problem, "No problem.")
    }
  }
}

# Warns about a newer image instead.
check "newest_image" {
  assert {
    condition     = terraform_data.server.input.image_id == local.image_id
    error_message = "The server was created from image ${terraform_data.server.input.image_id}; the newest one is ${coalesce(local.image_id, "none")}."
  }
}

output "server" {
  value = terraform_data.server.input
}
