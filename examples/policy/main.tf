variable "image_id" {
  type    = string
  default = "img-ubuntu2204"
}

variable "checked_image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-gpu"]
}

variable "instance_type" {
  type = string
}

# No rule here: the policy is the rule.
data "jdcloud_image_constraints" "web" {
  ids = var.checked_image_ids
}

# Stands for the resource that creates the server.
resource "terraform_data" "server" {
  input = { image_id = var.image_id, instance_type = var.instance_type }
}
