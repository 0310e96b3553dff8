variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "instance_type" {
  type = string
}

data "jdcloud_image_constraints" "web" {
  ids = [var.image_id]
}

locals {
  excluded = data.jdcloud_image_constraints.web.excluded_instance_types[var.image_id]
  included = lookup(data.jdcloud_image_constraints.web.included_instance_types, var.image_id, [])
}

# Stands for the resource that creates the server.
resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }

  lifecycle {
    precondition {
      condition = provider::jdcloud::supports_instance_type(
        data.jdcloud_image_constraints.web, var.image_id, var.instance_type
      )
      error_message = format(
        "镜像 %s 不支持实例规格 %s。%s", var.image_id, var.instance_type,
        local.excluded != null
        ? "该镜像不支持的实例规格：${join("、", local.excluded)}。"
        : "该镜像仅支持以下实例规格：${length(local.included) == 0 ? "无" : join("、", local.included)}。"
      )
    }
  }
}
